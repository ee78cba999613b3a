"""The server configs of deploy/ are valid: semblance.v1.ServerConfig has each of their fields. Needs protoc."""

import shutil
import subprocess
import unittest

from deployment_files import DEPLOY, ROOT


class ServerConfigsTest(unittest.TestCase):
    def encode(self, text):
        command = ["protoc", f"--proto_path={ROOT}/proto", "--encode=semblance.v1.ServerConfig", "semblance/v1/server_config.proto"]
        return subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def test_every_field_is_known(self):
        if shutil.which("protoc") is None:
            self.skipTest("protoc is not installed")
        self.assertNotEqual(self.encode(b"drain_second: 20").returncode, 0)
        configs = sorted(DEPLOY.rglob("*.textproto"))
        self.assertGreaterEqual(len(configs), 3)
        for path in configs:
            with self.subTest(config=path.relative_to(ROOT)):
                done = self.encode(path.read_bytes())
                self.assertEqual(done.returncode, 0, done.stderr.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
