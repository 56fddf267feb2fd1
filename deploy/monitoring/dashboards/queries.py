"""Writes the queries of dashboards as recording rules, for promtool to parse. JSON is YAML, so it prints JSON."""

import json
import re
import sys

# What Grafana puts in the place of its own variables; all others are label values.
OWN = {"__rate_interval": "5m", "__interval": "1m", "__range": "1h"}


def filled(query):
    return re.sub(r"\$\{?(\w+)(:\w+)?\}?", lambda found: OWN.get(found[1], "x"), query)


def main(files):
    rules = []
    for file in files:
        with open(file, encoding="utf-8") as text:
            board = json.load(text)
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                name = f"dashboard:{board['uid'].replace('-', '_')}:query_{len(rules)}"
                rules.append({"record": name, "expr": filled(target["expr"])})
    json.dump({"groups": [{"name": "dashboards", "rules": rules}]}, sys.stdout, indent=1)


if __name__ == "__main__":
    main(sys.argv[1:])
