"""Alerts and the dashboard select series by labels and values that docs/metrics.md has. A misspelt one would never match."""

import re
import unittest

from deployment_files import ROOT, expressions, family, documented_metrics

# Prometheus adds these labels when it scrapes.
OF_PROMETHEUS = {"instance", "job", "le"}
SELECTOR = re.compile(r"\b((?:semblance|grpc_server)_[a-z0-9_]+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def documented_labels():
    """Returns {metric: {label: its values, or None when they are not listed}}."""
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| \w+ \| ([^|]*) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    found = {}
    labels = {}
    for metric, cell in rows:
        above = labels
        if ":" in cell:
            label, values = cell.split(":")
            labels = {label.strip(): set(re.findall(r"\w+", values))}
        else:
            words = [word.strip() for word in cell.split(",") if word.strip()]
            labels = {word: None for word in words if word != "the same"}
            labels.update(above if "the same" in words else {})
        found[metric] = labels
    return found


class SelectorsTest(unittest.TestCase):
    def test_labels_and_their_values_are_documented(self):
        types = documented_metrics()
        labels = documented_labels()
        checked = 0
        for where, expression in expressions():
            for name, selector in SELECTOR.findall(expression):
                for label, _, value in MATCHER.findall(selector):
                    if label in OF_PROMETHEUS:
                        continue
                    checked += 1
                    with self.subTest(where=where, metric=name, label=label):
                        known = labels[family(name, types)]
                        self.assertIn(label, known)
                        if known[label] is not None:
                            self.assertLessEqual(set(value.split("|")), known[label])
        self.assertGreater(checked, 5)

    def test_states_of_generations_are_those_of_the_contract(self):
        proto = (ROOT / "proto/semblance/v1/generation_service.proto").read_text()
        states = {name.lower() for name in re.findall(r"^  GENERATION_STATE_([A-Z_]+) = ", proto, re.MULTILINE)}
        self.assertIn("active", states)
        for where, expression in expressions():
            for value in re.findall(r'semblance_generation_state\{[^}]*\bstate=~?"([^"]*)"', expression):
                with self.subTest(where=where):
                    self.assertLessEqual(set(value.split("|")), states)

    def test_reasons_are_those_of_the_documents(self):
        reasons = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE))
        self.assertIn("QUEUE_FULL", reasons)
        for where, expression in expressions():
            for value in re.findall(r'semblance_rejected_total\{[^}]*\breason=~?"([^"]*)"', expression):
                with self.subTest(where=where):
                    self.assertLessEqual(set(value.split("|")), reasons)


if __name__ == "__main__":
    unittest.main(verbosity=2)
