"""A running server has the metrics that alerts and the dashboard use, passes deploy/smoke_test.sh, and tells systemd when it is ready.

Usage: running_server_test.py BIN_DIR
"""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
import zlib

from deployment_files import DEPLOY, documented_metrics, used_metrics

BIN_DIR = sys.argv[1]

# These series exist only while something happens.
ONLY_AT_TIMES = {
    "semblance_rejected_total",
    "semblance_recall_probe",
    "semblance_generation_progress_ratio",
    "semblance_shadow_overlap",
    "semblance_canary_total",
    "semblance_training_job_step",
    "semblance_training_job_total_steps",
    "semblance_training_job_loss",
    "semblance_training_job_recall_at_1",
    "semblance_training_job_images_per_second",
}


def program(name):
    return os.path.join(BIN_DIR, name)


def write_png(path, shade, side=16):
    rows = b"".join(b"\0" + bytes((x * shade + y) % 256 for x in range(side)) for y in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def untrained_bundle(directory):
    for label in range(2):
        for variant in range(8):
            split = ("train", "test")[variant % 2]
            write_png(os.path.join(directory, f"images/{split}/{label}/{variant}.png"), 8 * label + variant + 1)
    bundle = os.path.join(directory, "bundle")
    config = os.path.join(directory, "config.textproto")
    with open(config, "w") as file:
        file.write(
            f'model_name: "shades" output_dir: "{bundle}" epochs: 0 data {{ path: "{directory}/images" }} '
            "model { input_side: 16 input_channels: 1 dimension: 16 convnet_channels: 8 convnet_convolutions_per_stage: 1 }"
        )
    subprocess.run([program("semblance-trainer"), f"--config={config}"], check=True)
    return bundle


def smoke_test(address):
    environment = dict(os.environ, SEMBLANCE=program("semblance"))
    return subprocess.run([DEPLOY / "smoke_test.sh", address], env=environment, capture_output=True, text=True)


class RunningServerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        cls.notify.bind(os.path.join(cls.directory.name, "notify"))
        cls.notify.settimeout(60)
        cls.server = subprocess.Popen(
            [
                program("semblance-server"),
                "--data_dir=" + os.path.join(cls.directory.name, "data"),
                "--model=" + untrained_bundle(cls.directory.name),
                f"--config={DEPLOY / 'server.textproto'}",
                "--listen=127.0.0.1:0",
                "--http=127.0.0.1:0",
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, NOTIFY_SOCKET=cls.notify.getsockname()),
        )
        cls.address = cls.server.stdout.readline().split()[-1]
        cls.metrics_url = cls.server.stdout.readline().split()[-1]
        # systemd takes this message for the end of the start, so nothing may come before it.
        cls.ready = cls.notify.recv(1024)
        cls.healthy_when_ready = cls.healthy()

    @classmethod
    def tearDownClass(cls):
        cls.server.send_signal(signal.SIGTERM)
        cls.server.stdout.close()
        assert cls.server.wait() == 0
        assert cls.notify.recv(1024) == b"STOPPING=1"
        cls.notify.close()
        cls.directory.cleanup()

    @classmethod
    def healthy(cls):
        try:
            with urllib.request.urlopen(cls.metrics_url.replace("/metrics", "/healthz")) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def metric_types(self):
        """Maps the name of a metric to its type, according to the server."""
        with urllib.request.urlopen(self.metrics_url) as answer:
            return dict(re.findall(r"^# TYPE (\w+) (\w+)$", answer.read().decode(), re.MULTILINE))

    def metrics(self):
        return set(self.metric_types())

    def item_count(self):
        command = [program("semblance"), "items", "count", f"--server={self.address}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]

    def test_it_says_that_it_is_ready_when_it_answers_searches(self):
        self.assertEqual(self.ready, b"READY=1")
        self.assertTrue(self.healthy_when_ready)

    def test_it_has_the_metrics_that_alerts_and_dashboard_ask_for(self):
        # Some of gRPC's metrics have no series before the first call.
        self.assertEqual(smoke_test(self.address).returncode, 0)
        expected = used_metrics() - ONLY_AT_TIMES
        help_text = subprocess.run([program("semblance-server"), "--help"], check=True, capture_output=True, text=True).stdout
        if "--training_data" not in help_text:
            expected = {name for name in expected if not name.startswith("semblance_training_")}
        self.assertEqual(expected - self.metrics(), set())

    def test_docs_metrics_md_has_its_metrics_with_their_types_and_no_others(self):
        self.assertEqual(smoke_test(self.address).returncode, 0)
        measured, documented = self.metric_types(), documented_metrics()
        self.assertEqual({name: documented.get(name) for name in measured}, measured)
        self.assertEqual(set(documented) - set(measured) - ONLY_AT_TIMES, set())

    def test_the_smoke_test_passes_and_leaves_nothing_behind(self):
        done = smoke_test(self.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("all is well", done.stdout)
        self.assertEqual(self.item_count(), "0")

    def test_the_smoke_test_fails_where_no_server_answers(self):
        done = smoke_test("127.0.0.1:1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED: 127.0.0.1:1 does not answer", done.stderr)

    def test_the_smoke_test_refuses_what_it_does_not_know(self):
        self.assertEqual(smoke_test("--all").returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
