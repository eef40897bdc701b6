"""Reads the text format of Prometheus, version 0.0.4, and holds it to the format's rules and to promtool's advice."""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\Z)')
TYPES = ("counter", "gauge", "histogram")


class Bad(Exception):
    pass


def labels_of(text):
    """The labels of a sample as a tuple of (name, value)."""
    labels, at = [], 0
    while at < len(text or ""):
        found = LABEL.match(text, at)
        if not found or (found.group(3) == "," and found.end() == len(text)):
            raise Bad(f"labels: {text}")
        labels.append((found.group(1), found.group(2)))
        at = found.end()
    if len(dict(labels)) != len(labels):
        raise Bad(f"a label twice: {text}")
    return tuple(labels)


class Family:
    def __init__(self, name, help):
        self.name, self.help, self.type, self.samples = name, help, None, {}

    def owns(self, name):
        if self.type == "histogram":
            return name in (self.name + "_bucket", self.name + "_sum", self.name + "_count")
        return name == self.name


def parse(text):
    """{family name: Family}, whose samples are {(name, labels): value}.  Raises Bad."""
    if not text.endswith("\n"):
        raise Bad("the last line has no end")
    families, family = {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, name, help = line.split(" ", 3)
            if name in families:
                raise Bad(f"{name} twice")
            family = families[name] = Family(name, help)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if family is None or name != family.name or family.type or family.samples or kind not in TYPES:
                raise Bad(line)
            family.type = kind
        else:
            found = SAMPLE.match(line)
            if not found or family is None or family.type is None or not family.owns(found.group(1)):
                raise Bad(line)
            sample = (found.group(1), labels_of(found.group(2)))
            if sample in family.samples:
                raise Bad(f"{line}: twice")
            family.samples[sample] = float(found.group(3))
    for each in families.values():
        check(each)
    return families


def check(family):
    """The rules of a whole family."""
    name = family.name
    if family.type is None or not family.help.strip():
        raise Bad(f"{name}: no type or no help")
    if (family.type == "counter") != name.endswith("_total"):
        raise Bad(f"{name}: counters, and they alone, end in _total")
    if re.search(r"_(count|sum|bucket|milliseconds|minutes|kilobytes|megabytes)\Z", name) or re.search(r"[A-Z]", name):
        raise Bad(f"{name}: not in base units, or taken by histograms")
    for (sample, _), value in family.samples.items():
        if math.isnan(value) or (family.type != "gauge" and value < 0):
            raise Bad(f"{sample} is {value}")
    if family.type == "histogram":
        check_histogram(family)


def check_histogram(family):
    series = {}
    for (sample, labels), value in family.samples.items():
        rest = tuple(label for label in labels if label[0] != "le")
        kind = sample[len(family.name) + 1:]
        if (kind == "bucket") != ("le" in dict(labels)):
            raise Bad(f"{sample}: le belongs to buckets")
        if kind == "bucket":
            series.setdefault(rest, {}).setdefault("buckets", []).append((float(dict(labels)["le"]), value))
        else:
            series.setdefault(rest, {})[kind] = value
    for labels, each in series.items():
        if set(each) != {"buckets", "sum", "count"}:
            raise Bad(f"{family.name}{labels}: has only {sorted(each)}")
        bounds = [bound for bound, _ in each["buckets"]]
        counts = [count for _, count in each["buckets"]]
        if bounds != sorted(set(bounds)) or counts != sorted(counts):
            raise Bad(f"{family.name}{labels}: buckets that do not grow")
        if bounds[-1] != math.inf or counts[-1] != each["count"]:
            raise Bad(f"{family.name}{labels}: the last bucket is not all")


def value(families, name, **labels):
    """The one sample of that name whose labels are among others these; None when there is none."""
    found = [number for family in families.values() for (sample, own), number in family.samples.items()
             if sample == name and set(labels.items()) <= set(own)]
    if len(found) > 1:
        raise Bad(f"{len(found)} samples of {name} with {labels}")
    return found[0] if found else None
