#!/usr/bin/env python3
"""Makes the tokenizer from the words of all captions: WORK/tokenizer/."""

import argparse
import json

from bpe import make_merges, write_tokenizer
from captions import all_words
from settings import TOKENS, add_work

MERGES = 5486  # 6,000 entries in all


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    work = parser.parse_args().work
    things = json.loads((work / "things.json").read_text(encoding="utf-8"))["things"]
    words = all_words(things)
    merges = make_merges(words, MERGES)
    write_tokenizer(work / "tokenizer", merges, TOKENS)
    print(f"{len(words)} words, {len(merges)} merges")


if __name__ == "__main__":
    main()
