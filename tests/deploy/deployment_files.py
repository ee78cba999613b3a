"""The files of deploy/, and the metrics that they name, for the tests of deploy/."""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\b((?:semblance|grpc_server)_[a-z0-9_]+)\b")


def documents(path):
    with open(path) as file:
        return [document for document in yaml.safe_load_all(file) if document is not None]


def alerts():
    (rules,) = documents(DEPLOY / "prometheus/alerts.yml")
    return [rule for group in rules["groups"] for rule in group["rules"]]


def dashboard():
    with open(DEPLOY / "grafana/dashboards/semblance.json") as file:
        return json.load(file)


def expressions():
    """Yields every PromQL expression with its place."""
    found = [(f"alert {rule['alert']}", rule["expr"]) for rule in alerts()]
    for panel in dashboard()["panels"]:
        found += [(f"panel {panel['title']}", target["expr"]) for target in panel.get("targets", [])]
    found += [(f"annotation {item['name']}", item["expr"]) for item in dashboard()["annotations"]["list"]]
    return found


def documented_metrics():
    """Maps the name of a metric to its type, according to docs/metrics.md."""
    return dict(re.findall(r"^\| `([a-z0-9_]+)` \| (\w+) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))


def family(name, types):
    """Returns the metric that a series belongs to. A histogram has three series."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if types.get(base) == "histogram" else name


def used_metrics():
    """Returns the families that alerts and the dashboard use."""
    types = documented_metrics()
    return {family(name, types) for _, expression in expressions() for name in METRIC.findall(expression)}
