#!/usr/bin/env python3
"""The parts of models/recipe that need no library: things, captions, the tokenizer's vocabulary."""

import json
import os
import random
import sys
import tempfile
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '../../models/recipe')]

import bpe
import captions
import report
import things

EMOJI = {
    '\U0001F436': ('dog face', 'Animals & Nature', '0.6'),
    '\U0001F415': ('dog', 'Animals & Nature', '0.7'),
    '\U0001F408': ('cat', 'Animals & Nature', '0.7'),
    '\U0001F354': ('hamburger', 'Food & Drink', '0.6'),
    '\u2764\uFE0F': ('red heart', 'Smileys & Emotion', '0.6'),
    '\U0001F550': ('one o\u2019clock', 'Travel & Places', '0.6'),
    '#\uFE0F\u20E3': ('keycap: #', 'Symbols', '0.6'),
    '\U0001F7E2': ('green circle', 'Symbols', '12.0'),
    '\U0001F1EF\U0001F1F5': ('flag: Japan', 'Flags', '0.6'),
    '\u27A1\uFE0F': ('right arrow', 'Symbols', '0.6'),
}
KEYWORDS = {
    '\U0001F436': ['dog_face', 'pet', 'animal'],
    '\U0001F415': ['dog', 'pet', 'animal', 'dog', 'doggo', ':-)', 'shipit'],
    '\U0001F408': ['cat', 'animal', 'feline', 'hamburger'],
    '\U0001F354': ['hamburger', 'meat'],
}


def made():
    emoji = {character: {'name': name, 'group': group, 'emoji_version': version}
             for character, (name, group, version) in EMOJI.items()}
    return {thing['name']: thing for thing in things.make_things(emoji, KEYWORDS)}


def wrong_if(*pairs):
    return [what for what, wrong in pairs if wrong]


def test_things_are_what_can_be_drawn():
    names = set(made())
    return [] if names == {'dog face', 'dog', 'cat', 'hamburger', 'red heart', 'green circle'} else [str(names)]


def test_a_key_has_no_variation_selector():
    return wrong_if(('an emoji', made()['red heart']['key'] != '2764'),
                    ('a file name', things.key_of('0023-fe0f-20e3') != '0023-20e3'),
                    ('upper case', things.key_of('1F408') != made()['cat']['key']))


def test_keywords_are_words_that_somebody_types():
    kept = made()
    return wrong_if(('the name, twice, a smiley or a joke', kept['dog']['keywords'] != ['pet', 'animal', 'doggo']),
                    ('none', kept['red heart']['keywords'] != []))


def test_a_synonym_leads_to_one_thing():
    kept = made()
    return wrong_if(('shared', 'pet' in kept['dog']['synonyms'] or 'animal' in kept['cat']['synonyms']),
                    ("another thing's name", 'hamburger' in kept['cat']['synonyms']),
                    ('own keyword', 'doggo' not in kept['dog']['synonyms']),
                    ('everyday word', 'kitty' not in kept['cat']['synonyms']),
                    ('everyday word of another', 'kitty' in kept['dog']['synonyms']))


def test_short_names_come_first():
    ranks = {name: thing['rank'] for name, thing in made().items()}
    return wrong_if(('dog before dog face', ranks['dog'] > ranks['dog face']),
                    ('ranks are 0, 1, ...', sorted(ranks.values()) != list(range(len(ranks)))),
                    ('a sign before an animal', ranks['green circle'] < ranks['dog']))


def test_every_everyday_word_leads_to_one_name():
    return [word for word, name in things.EVERYDAY.items() if word == name or not name]


def test_held_out_pairs_are_always_the_same():
    many = [{'name': f'thing {number}', 'rank': number, 'styles': list(things.STYLES)} for number in range(900)]
    many[0]['styles'] = ['3d', 'flat']
    first, second = things.held_out(many), things.held_out(many)
    early = sum(int(name.split()[1]) < things.FIRST_THINGS for name, _ in first)
    return wrong_if(('another choice', first != second),
                    ('number', len(first) != things.HELD_OUT_FIRST + things.HELD_OUT_REST),
                    ('a thing twice', len({name for name, _ in first}) != len(first)),
                    ('not from the first', early != things.HELD_OUT_FIRST),
                    ('a thing that has not all styles', any(name == 'thing 0' for name, _ in first)))


def test_a_caption_names_its_thing_and_style():
    kept = list(made().values())
    number = next(place for place, thing in enumerate(kept) if thing['name'] == 'cat')
    rng = random.Random(0)
    texts = [captions.caption({'thing': number, 'style': 'flat'}, kept, rng) for _ in range(2000)]
    named = sum('cat' in text for text in texts) / len(texts)
    synonym = sum('kitty' in text or 'kitten' in text or 'feline' in text for text in texts) / len(texts)
    styled = sum('flat' in text for text in texts) / len(texts)
    wrong_style = [text for text in texts if '3d' in text or 'cartoon' in text]
    return wrong_style + wrong_if(
        (f'named {named}', abs(named - (1 - captions.NAMELESS)) > 0.04),
        (f'by synonyms {synonym}', not 0.6 * captions.NAMELESS < synonym < captions.NAMELESS + 0.15),
        (f'styled {styled}', abs(styled - captions.STYLED) > 0.04), ('as many captions', len(set(texts)) < 500))


def test_a_scene_says_what_it_shows():
    kept = list(made().values())
    places = {thing['name']: place for place, thing in enumerate(kept)}
    rng = random.Random(0)
    both = {'style': '3d', 'count': 1, 'background': 'yellow', 'parts': [{'thing': places['cat'], 'colour': 'purple'}]}
    pair = {'style': '3d', 'count': 1, 'background': None, 'parts': [{'thing': places['cat'], 'colour': None},
                                                                  {'thing': places['hamburger'], 'colour': None}]}
    many = {'style': '3d', 'count': 3, 'background': None, 'parts': [{'thing': places['dog'], 'colour': None}]}
    texts = [captions.caption(both, kept, rng) for _ in range(300)]
    pairs = [captions.scene_subject(pair, kept, rng) for _ in range(300)]
    counted = [captions.scene_subject(many, kept, rng) for _ in range(300)]
    return ([text for text in texts if 'yellow' not in text or not ('purple' in text or 'violet' in text)]
            + [text for text in counted if not ('three' in text or '3' in text)]
            + wrong_if(('a cat and a hamburger', 'a cat and a hamburger' not in pairs),
                       ('three dogs', 'three dogs' not in counted)))


def test_plurals_and_articles():
    return [f'{noun}: {captions.plural(noun)}' for noun, many in
            (('dog', 'dogs'), ('fox', 'foxes'), ('cherry', 'cherries'), ('monkey', 'monkeys'), ('glasses', 'glasses'),
             ('brush', 'brushes'), ('compass', 'compasses')) if captions.plural(noun) != many] + \
        wrong_if(('an apple', captions.article('apple') != 'an apple'), ('a dog', captions.article('dog') != 'a dog'))


def test_merges_join_what_is_most_frequent():
    merges = bpe.make_merges({'low': 5, 'lower': 2, 'lot': 1}, 3)
    return [] if merges == [('l', 'o'), ('lo', 'w</w>'), ('e', 'r</w>')] else [str(merges)]


def test_merges_rebuild_each_word():
    counts = captions.all_words(list(made().values()))
    merges = bpe.make_merges(counts, 5000)
    letters = bpe.byte_letters()
    wrong = []
    for word in counts:
        symbols = bpe.split(word, letters)
        for pair in merges:
            bpe.merge(symbols, pair)
        if len(symbols) != 1:
            wrong.append(f'{word}: {symbols}')
    return wrong + wrong_if(('no merge twice', len(set(merges)) != len(merges)), ('all letters', len(letters) != 256))


def test_the_tokenizer_is_in_the_usual_form():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bpe.write_tokenizer(folder, [('l', 'o'), ('lo', 'w</w>')], 32)
        vocabulary = json.loads((folder / 'vocab.json').read_text(encoding='utf-8'))
        config = json.loads((folder / 'tokenizer_config.json').read_text(encoding='utf-8'))
        lines = (folder / 'merges.txt').read_text(encoding='utf-8').split('\n')
    return wrong_if(('bytes first', [vocabulary['!'], vocabulary['a'], vocabulary['!</w>']] != [0, 64, 256]),
                    ('then the merges', vocabulary['low</w>'] != 513),
                    ('then the marks', vocabulary[bpe.END] != 515 or len(vocabulary) != 516),
                    ('length', config['model_max_length'] != 32),
                    ('merges after a first line', lines[1:3] != ['l o', 'lo w</w>']))


if __name__ == '__main__':
    sys.exit(report.main([test for name, test in list(globals().items()) if name.startswith('test_')]))
