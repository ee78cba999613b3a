"""What the tests of deploy/ share: the files, and the metrics that they name."""

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
    """Every PromQL expression, with where it stands."""
    found = [(f"alert {rule['alert']}", rule["expr"]) for rule in alerts()]
    for panel in dashboard()["panels"]:
        found += [(f"panel {panel['title']}", target["expr"]) for target in panel.get("targets", [])]
    found += [(f"annotation {item['name']}", item["expr"]) for item in dashboard()["annotations"]["list"]]
    return found


def documented_metrics():
    """Name to type, as docs/metrics.md has them."""
    return dict(re.findall(r"^\| `([a-z0-9_]+)` \| (\w+) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))


def family(name, types):
    """The metric that a series belongs to: that of a histogram has three."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if types.get(base) == "histogram" else name


def used_metrics():
    """Families that alerts and dashboard ask for."""
    types = documented_metrics()
    return {family(name, types) for _, expression in expressions() for name in METRIC.findall(expression)}
