"""The things that the model draws: which emoji they are, what they are called, and which are learned first.

Pure functions of what the packages unicode-emoji-json and emojilib hold; no files, no libraries.
"""

import random
import re

from everyday import EVERYDAY, UNUSABLE

STYLES = ("3d", "flat", "cartoon")
# Pictures of this many things in one style are kept from training, to tell what is understood from what is known.
HELD_OUT_FIRST, HELD_OUT_REST = 60, 140
FIRST_THINGS = 400

LEFT_OUT = re.compile(
    r"o'clock|-thirty$|keycap|button|arrow|^input |^flag |^family|^kiss(ing)? (man|woman)|^couple with heart |"
    r"facing right|gesturing|-shaped|(raised|lowered) flag|^(small|large|medium)|sign$|"
    r"(small|medium|large) (square|diamond)|^(men|women|woman and man) holding|^(circled|registered|copyright|trade)|"
    r"banknote|speaker |globe showing (asia|europe)|chart (in|de)creasing|magnifying glass tilted right|"
    r"^(fast|next|last|no|non|heavy|double|white (ex|qu)|red (ex|qu)|exclamation)|^(up|down|left|right)\b|"
    r"(quarter|gibbous) moon$|waning|-pointing|pointing (up|down|left|right)|mobile phone (with|off)|"
    r"(incoming|with arrow|inbox|outbox)|(locked|unlocked) with|bell with slash|mode$|bars$|tracks|"
    r"^(multiply|plus|minus|divide|infinity|wavy dash|curly loop|part alternation mark|information|shuffle|repeat)$|"
    r"room$|symbol$|claim$|customs|passport|closet|luggage$|crossing|prohibited|^female|^male|^potable|"
    r"bubble$|middle finger|cigarette|underage|brief|tower of|kaaba|love hotel"
)
# Shapes and signs of the zodiac, some of which the words above would leave out.
SYMBOLS = re.compile(r"(circle|square|triangle pointed up)$|^(aries|taurus|gemini|cancer|leo|virgo|libra|scorpio|"
                     r"sagittarius|capricorn|aquarius|pisces)$")
# Where a group begins on the path through all things, and how fast it is walked: things by group, in turns.
GROUP_WEIGHT = {
    "Animals & Nature": 5.0,
    "Food & Drink": 4.0,
    "Travel & Places": 3.5,
    "Objects": 4.0,
    "Smileys & Emotion": 3.0,
    "Activities": 2.0,
    "People & Body": 1.0,
    "Symbols": 0.4,
    "Flags": 0.2,
}


def code_points(emoji):
    """The key that the packages share: hexadecimal code points without the variation selector."""
    return "-".join(f"{ord(c):04x}" for c in emoji if ord(c) != 0xFE0F)


def key_of(name):
    """The same from a package's own spelling, as in 0023-fe0f-20e3."""
    return "-".join(f"{int(part, 16):04x}" for part in name.split("-") if int(part, 16) != 0xFE0F)


def clean_name(name):
    """Lower case, straight quotes, no colons: what goes into a caption."""
    name = name.lower().replace("\u2019", "'").replace("\u201c", "").replace("\u201d", "").replace(":", "")
    return name.replace("\u00f1", "n").strip()


def is_thing(name, group):
    """Whether an emoji is a thing to draw, and not a letter, an arrow, a clock face, a family, a country."""
    if group == "Symbols" and SYMBOLS.search(name):
        return not re.search(r"small|medium|hollow|button", name)
    return not LEFT_OUT.search(name)


def keywords_of(words, name):
    """Keywords that can stand in a caption: words of letters, none of them the name itself."""
    kept = []
    for word in words[1:]:
        word = clean_name(word.replace("_", " "))
        if re.fullmatch(r"[a-z][a-z' -]{1,23}", word) and word not in UNUSABLE and word != name and word not in kept:
            kept.append(word)
    return kept


def make_things(emoji, keywords):
    """All things in the order in which they are learned.

    emoji: data-by-emoji.json; keywords: emoji-en-US.json.  Each thing has key, name, group, keywords (all), synonyms
    (what leads to this thing alone) and rank.
    """
    things, names = [], set()
    for character, entry in emoji.items():
        name = clean_name(entry["name"])
        if is_thing(name, entry["group"]) and name not in names:
            names.add(name)
            words = keywords_of(keywords.get(character, []), name)
            things.append({"key": code_points(character), "name": name, "group": entry["group"], "keywords": words,
                           "version": float(entry["emoji_version"])})
    things = ordered(things)
    add_synonyms(things)
    return things


def ordered(things):
    """Walks all groups at once, each at its own speed; within a group short and old names come first."""
    groups = {}
    for order, thing in enumerate(things):
        words = len(re.split(r"[ -]", thing["name"]))
        person = bool(re.match(r"(man|woman|person|men|women|people)\b", thing["name"]))
        basic = thing["name"] in EVERYDAY.values()
        place = (person, min(words, 3) - 2 * basic, thing["version"] > 12, order)
        groups.setdefault(thing["group"], []).append((place, thing))
    walk = []
    for group, members in groups.items():
        members.sort(key=lambda member: member[0])
        walk += [((number + 0.5) / GROUP_WEIGHT[group], thing) for number, (_, thing) in enumerate(members)]
    walk.sort(key=lambda step: step[0])
    return [{**thing, "rank": rank} for rank, (_, thing) in enumerate(walk)]


def add_synonyms(things):
    """A synonym is a keyword that no other thing has, nor has as a word of its name, or an everyday word."""
    users, names = {}, {thing["name"] for thing in things}
    for thing in things:
        for word in {*thing["keywords"], *re.split(r"[ -]", thing["name"])}:
            users[word] = users.get(word, 0) + 1
    everyday = {}
    for word, name in EVERYDAY.items():
        everyday.setdefault(name, []).append(word)
    for thing in things:
        own = [word for word in thing["keywords"]
               if users[word] == 1 and word not in names and word not in EVERYDAY and len(word) > 2]
        thing["synonyms"] = everyday.get(thing["name"], []) + own


def held_out(things):
    """The pairs of thing and style that no training sees, the same in every run: each thing at most once, and only
    where the other styles have it."""
    rng = random.Random("held-out pictures")
    complete = [thing for thing in things if set(thing["styles"]) == set(STYLES)]
    first = [thing for thing in complete if thing["rank"] < FIRST_THINGS]
    rest = [thing for thing in complete if thing["rank"] >= FIRST_THINGS]
    chosen = rng.sample(first, min(HELD_OUT_FIRST, len(first))) + rng.sample(rest, min(HELD_OUT_REST, len(rest)))
    return {(thing["name"], rng.choice(STYLES)) for thing in chosen}
