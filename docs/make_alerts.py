"""`python -m docs.make_alerts`: the alerts of `deploy/prometheus` as Prometheus' operator takes them in a cluster."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Final

DEPLOY: Final = Path(__file__).resolve().parents[1] / "deploy"
_HEAD: Final = """\
# Made by `make docs` from deploy/prometheus/alerts.yaml, word for word, as Prometheus' operator takes it.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: comity
spec:
"""


def main() -> None:
    alerts = (DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
    groups = alerts[alerts.index("groups:") :]
    (DEPLOY / "kubernetes" / "monitoring" / "alerts.yaml").write_text(_HEAD + indent(groups, "  "), encoding="utf-8")


if __name__ == "__main__":
    main()
