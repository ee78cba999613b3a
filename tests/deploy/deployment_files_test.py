"""deploy/ agrees with itself, with the documents, and with the tools that read it.

Usage: deployment_files_test.py KUBERNETES_VALIDATE; needs systemd-analyze, and renders the overlays where kubectl is installed.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from deployment_files import DEPLOY, METRIC, ROOT, alerts, dashboard, documented_metrics, documents, expressions, family

KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("cpu", "gpu", "prometheus-operator")
# The validator's program comes from PyPI's kubernetes-validate.
KUBERNETES_VALIDATE = sys.argv[1]
# The manifests are for this version of Kubernetes and newer ones.
KUBERNETES_VERSION = "1.32"
# These metrics do not come from the server.
FOREIGN_METRICS = {"up"}


def drain_seconds(path):
    return int(re.search(r"^drain_seconds: (\d+)", path.read_text(), re.MULTILINE)[1])


def unit(name):
    """Maps each setting of a unit to its values, without regard to sections."""
    settings = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            settings.setdefault(key, []).append(value)
    return settings


class SyntaxTest(unittest.TestCase):
    def test_every_yaml_and_json_file_parses(self):
        files = sorted(path for path in DEPLOY.rglob("*") if path.suffix in (".yaml", ".yml"))
        self.assertGreater(len(files), 15)
        for path in files:
            with self.subTest(path=path.relative_to(ROOT)):
                self.assertTrue(documents(path))
        for path in DEPLOY.rglob("*.json"):
            json.loads(path.read_text())

    def test_scripts_are_executable_and_parse(self):
        for path in DEPLOY.rglob("*.sh"):
            with self.subTest(path=path.relative_to(ROOT)):
                self.assertTrue(os.access(path, os.X_OK))
                subprocess.run(["bash", "-n", path], check=True)


class SystemdTest(unittest.TestCase):
    def test_units_pass_systemd_analyze_verify(self):
        self.assertTrue(shutil.which("systemd-analyze"), "systemd-analyze is not installed (Debian: systemd)")
        with tempfile.TemporaryDirectory() as directory:
            for path in (DEPLOY / "systemd").glob("*.service"):
                copy = pathlib.Path(directory) / path.name
                # The unit's programs need not be installed on this machine.
                copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(), flags=re.MULTILINE))
                done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
                with self.subTest(unit=path.name):
                    complaints = [line for line in done.stderr.splitlines() if path.name in line]
                    self.assertEqual((done.returncode, complaints), (0, []), done.stderr)

    def test_server_is_killed_after_its_drain_and_its_jobs_are_not(self):
        server = unit("semblance-server.service")
        self.assertGreater(int(server["TimeoutStopSec"][0]), drain_seconds(DEPLOY / "server.textproto"))
        self.assertEqual(server["KillMode"], ["process"])
        self.assertEqual(server["OOMPolicy"], ["continue"])

    def test_trainer_is_restarted_by_its_exit_codes(self):
        trainer = unit("semblance-trainer@.service")
        self.assertEqual(trainer["RestartForceExitStatus"], ["75"])
        self.assertEqual(trainer["SuccessExitStatus"], ["143"])
        self.assertEqual(set(trainer["RestartPreventExitStatus"][0].split()), {"2", "42"})
        self.assertGreater(int(trainer["TimeoutStopSec"][0]), 25)


class MonitoringTest(unittest.TestCase):
    def test_alerts_and_dashboard_ask_for_documented_metrics_only(self):
        types = documented_metrics()
        self.assertGreater(len(types), 20)
        for where, expression in expressions():
            names = METRIC.findall(expression)
            with self.subTest(where=where):
                self.assertTrue(names or re.search(r"\b(node|kubelet)_", expression) or FOREIGN_METRICS & set(re.findall(r"\w+", expression)))
                for name in names:
                    self.assertIn(family(name, types), types)

    def test_histograms_are_asked_for_by_their_series(self):
        types = documented_metrics()
        for where, expression in expressions():
            for name in METRIC.findall(expression):
                with self.subTest(where=where, name=name):
                    self.assertNotEqual(types.get(name), "histogram")

    def test_every_alert_has_a_section_of_the_runbook_and_a_severity(self):
        headings = re.findall(r"^### (\w+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
        self.assertEqual([rule["alert"] for rule in alerts()], headings)
        for rule in alerts():
            with self.subTest(alert=rule["alert"]):
                self.assertEqual(rule["annotations"]["runbook"], f"docs/operations.md#{rule['alert'].lower()}")
                self.assertTrue(rule["annotations"]["summary"])
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))

    def test_the_prometheus_operator_gets_the_same_alerts(self):
        (rule,) = documents(KUBERNETES / "overlays/prometheus-operator/rules.yaml")
        (alert_file,) = documents(DEPLOY / "prometheus/alerts.yml")
        self.assertEqual(rule["spec"]["groups"], alert_file["groups"])

    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        panels = dashboard()["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        cells = [
            (x, y)
            for panel in panels
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        self.assertEqual(len(set(cells)), len(cells))


class ContainerTest(unittest.TestCase):
    def setUp(self):
        self.text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")

    def test_what_it_copies_exists(self):
        ignored = (ROOT / ".containerignore").read_text().split("\n")
        for line in re.findall(r"^COPY (?!--from)(.*)$", self.text, re.MULTILINE):
            for source in line.split()[:-1]:
                with self.subTest(source=source):
                    self.assertTrue((ROOT / source).exists())
                    self.assertNotIn(source.split("/")[0], ignored)
        for script in re.findall(r"/src/(\S+\.sh)", self.text):
            self.assertTrue(os.access(ROOT / script, os.X_OK), script)

    def test_it_builds_as_the_demo_does(self):
        makefile = (ROOT / "Makefile").read_text()
        programs = set(re.search(r"^PROGRAMS := (.*)$", makefile, re.MULTILINE)[1].split())
        self.assertIn("scripts/install_dependencies.sh", makefile)
        self.assertIn("scripts/install_dependencies.sh", self.text)
        self.assertIn("cmake --preset release", self.text)
        built = set(re.search(r"--target ((?:semblance[a-z-]* ?)+)", self.text)[1].split())
        self.assertEqual(built, programs - {"semblance-demo-report", "semblance-demo-loop-report"})

    def test_folders_of_the_build_are_in_the_context(self):
        ignored = (ROOT / ".containerignore").read_text().split("\n")
        for folder in re.findall(r"add_subdirectory\((\w+)\)", (ROOT / "CMakeLists.txt").read_text()):
            if folder != "tests":
                self.assertNotIn(folder, ignored)

    def test_it_runs_as_a_fixed_user_and_stops_by_sigterm(self):
        self.assertRegex(self.text, r"(?m)^USER 10001:10001$")
        self.assertRegex(self.text, r"(?m)^STOPSIGNAL SIGTERM$")
        self.assertIn("semblance status", re.search(r"^HEALTHCHECK .*$", self.text, re.MULTILINE)[0])

    def test_compose_mounts_what_exists_and_waits_for_the_drain(self):
        (compose,) = documents(DEPLOY / "compose.yaml")
        for name, service in compose["services"].items():
            for volume in service["volumes"]:
                source = volume.split(":")[0]
                with self.subTest(service=name, source=source):
                    self.assertTrue(source in compose["volumes"] or (DEPLOY / source).exists())
        server = compose["services"]["semblance"]
        self.assertTrue((DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).exists())
        self.assertGreater(int(server["stop_grace_period"].rstrip("s")), drain_seconds(DEPLOY / "server.textproto"))


class KubernetesTest(unittest.TestCase):
    def server(self):
        (deployment,) = documents(KUBERNETES / "base/deployment.yaml")
        return deployment

    def test_kustomizations_name_files_that_exist(self):
        for path in KUBERNETES.rglob("kustomization.yaml"):
            (kustomization,) = documents(path)
            names = kustomization["resources"] + [patch["path"] for patch in kustomization.get("patches", [])]
            names += [name for generator in kustomization.get("configMapGenerator", []) for name in generator["files"]]
            for name in names:
                with self.subTest(kustomization=path.relative_to(ROOT), name=name):
                    self.assertTrue((path.parent / name).exists())

    def test_one_writer_that_is_given_time_to_drain(self):
        spec = self.server()["spec"]
        self.assertEqual((spec["replicas"], spec["strategy"]), (1, {"type": "Recreate"}))
        for config in (KUBERNETES / "base/server.textproto", KUBERNETES / "overlays/gpu/server.textproto"):
            self.assertGreater(spec["template"]["spec"]["terminationGracePeriodSeconds"], drain_seconds(config))

    def test_trainers_get_the_image_of_the_server(self):
        (base,) = documents(KUBERNETES / "base/kustomization.yaml")
        (gpu,) = documents(KUBERNETES / "overlays/gpu/kustomization.yaml")
        name, tag = base["images"][0]["newName"], base["images"][0]["newTag"]
        self.assertIn(f'image: "{name}:{tag}"', (KUBERNETES / "base/server.textproto").read_text())
        self.assertEqual(gpu["images"][0]["name"], name)
        self.assertIn(f'image: "{name}:{gpu["images"][0]["newTag"]}"', (KUBERNETES / "overlays/gpu/server.textproto").read_text())

    def test_the_training_job_ends_on_exit_codes_that_no_retry_mends(self):
        (job,) = documents(KUBERNETES / "training_job.yaml")
        rule = job["spec"]["podFailurePolicy"]["rules"][0]
        self.assertEqual((rule["action"], rule["onExitCodes"]["values"]), ("FailJob", [2, 42]))
        self.assertEqual(job["spec"]["template"]["spec"]["restartPolicy"], "Never")

    def test_manifests_are_valid_and_overlays_render(self):
        with tempfile.TemporaryDirectory() as directory:
            files = [KUBERNETES / "training_job.yaml"]
            files += [path for path in (KUBERNETES / "base").glob("*.yaml") if path.name != "kustomization.yaml"]
            if shutil.which("kubectl") is None:
                print("without kubectl the overlays are not rendered", file=sys.stderr)
            else:
                for overlay in OVERLAYS:
                    command = ["kubectl", "kustomize", KUBERNETES / "overlays" / overlay]
                    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                    # There are no schemas for resources that operators define.
                    known = [part for part in rendered.split("\n---\n") if "apiVersion: monitoring.coreos.com" not in part]
                    files.append(pathlib.Path(directory) / f"{overlay}.yaml")
                    files[-1].write_text("\n---\n".join(known))
            done = subprocess.run(
                [KUBERNETES_VALIDATE, "--strict", "--kubernetes-version", KUBERNETES_VERSION, *files],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
