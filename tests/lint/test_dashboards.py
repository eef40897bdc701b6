#!/usr/bin/env python3
"""The dashboard and the alerts in config/ name only metrics, labels and label values that /metrics has."""

import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import report
import tree

DASHBOARD, ALERTS, TABLE = 'config/grafana-dashboard.json', 'config/alerts.yml', 'server/handlers/metrics.def'

OWN = {'instance', 'job'}  # Prometheus' own labels
FOREIGN = {'up'}  # the scrape's own


class Metric:
    def __init__(self, kind, labels):
        self.histogram = kind == 'histogram'
        self.labels = set(labels.split()) | ({'le'} if self.histogram else set())


def known_metrics():
    """{name: Metric} of the table."""
    rows = re.findall(r'^METRIC\(\w+, +"(\w+)", +"(\w+)", +"([\w ]*)"', tree.read(TABLE), re.MULTILINE)
    return {name: Metric(kind, labels) for kind, name, labels in rows}


def family_of(name, known):
    """The Metric that a sample belongs to; None when it is none of ours."""
    if name in known and not known[name].histogram:
        return known[name]
    base = known.get(re.sub(r'_(bucket|sum|count)\Z', '', name))
    return base if name not in known and base and base.histogram else None


def wrong_in(expression, known):
    """What an expression of PromQL names and /metrics has not."""
    wrong = []
    for found in re.finditer(r'\b((?:latentd|process)_\w+|up\b)(?:\{([^}]*)\})?', expression):
        name, matchers = found.groups()
        family = family_of(name, known)
        if family is None and name not in FOREIGN:
            wrong.append(f'there is no metric {name}')
        labels = OWN | (family.labels if family else set())
        wrong += [f'{name} has no label {label}' for label in re.findall(r'(\w+) *[=!]~?', matchers or '')
                  if label not in labels]
    for group in re.findall(r'\b(?:by|on) \(([^)]*)\)', expression):
        everywhere = OWN.union(*(metric.labels for metric in known.values()))
        wrong += [f'there is no label {label}' for label in re.split(r', *', group) if label not in everywhere]
    return wrong


def expressions():
    """(where, expression) of both files."""
    dashboard = json.loads(tree.read(DASHBOARD))
    for panel in dashboard['panels']:
        for target in panel['targets']:
            yield f'{DASHBOARD}: {panel["title"]}', target['expr']
    for variable in dashboard['templating']['list']:
        if variable['type'] == 'query':
            yield f'{DASHBOARD}: {variable["name"]}', variable['query']
    for number, line in enumerate(tree.read(ALERTS).split('\n'), 1):
        if re.match(r' +expr:', line):
            yield f'{ALERTS}:{number}', line.split(':', 1)[1].strip()


def test_every_name_is_one_that_metrics_has():
    known = known_metrics()
    return [f'{where}: {what}' for where, expression in expressions() for what in wrong_in(expression, known)]


def test_every_metric_is_on_the_dashboard_or_an_alert():
    said = ' '.join(expression for _, expression in expressions())
    return [f'{name}: shown nowhere' for name in known_metrics()
            if name != 'latentd_workers' and name not in said]


def test_alerts_say_how_bad_and_what():
    alerts = re.split(r'\n +- alert: ', tree.read(ALERTS))[1:]
    return [f'{alert.split()[0]}: no {part}' for alert in alerts
            for part in ('expr', 'severity', 'summary') if not re.search(rf'\n +{part}: \S', alert)] or (
                [] if len(alerts) > 5 else ['too few alerts were found'])


def test_promtool_agrees_with_the_alerts():
    if not shutil.which('promtool') and not os.environ.get('CI'):
        raise report.Skip('promtool is not there')
    done = subprocess.run(['promtool', 'check', 'rules', os.path.join(tree.ROOT, ALERTS)], capture_output=True, text=True)
    return [done.stdout + done.stderr] if done.returncode != 0 else []


def test_the_dashboard_has_no_panel_twice_and_none_outside():
    wrong, places = [], set()
    for panel in json.loads(tree.read(DASHBOARD))['panels']:
        at = panel['gridPos']
        if at['x'] + at['w'] > 24:
            wrong.append(f'{panel["title"]} is off the page')
        for x in range(at['x'], at['x'] + at['w']):
            for y in range(at['y'], at['y'] + at['h']):
                if (x, y) in places:
                    wrong.append(f'{panel["title"]} lies on another panel')
                places.add((x, y))
    return sorted(set(wrong))


def test_wrong_names_are_found():
    known = known_metrics()
    right = ('rate(latentd_jobs_total{status="failed"}[5m])', 'up{job="latentd"} == 0',
             'histogram_quantile(0.9, sum by (le, route) (rate(latentd_http_request_duration_seconds_bucket{le="1"}[5m])))')
    wrong = ('latentd_jobs', 'latentd_jobs_total{state="failed"}', 'latentd_jobs_total_count', 'process_max_fd',
             'latentd_http_request_duration_seconds', 'sum by (path) (latentd_jobs_queued)', 'latentd_ready{code!="1"}',
             'latentd_jobs_queued_bucket')
    return ([f'refused: {text}' for text in right if wrong_in(text, known)] +
            [f'let through: {text}' for text in wrong if not wrong_in(text, known)])


if __name__ == '__main__':
    sys.exit(report.main([test for name, test in list(globals().items()) if name.startswith('test_')]))
