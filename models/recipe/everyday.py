"""What people call things, where neither their names nor their keywords say so, and keywords that are of no use."""

# Name: everyday words; ...
WORDS = """
cat: kitty, kitten; dog: doggy, puppy; rabbit: bunny; pig: piggy; horse: pony; hamburger: burger, cheeseburger;
french fries: fries; doughnut: donut; automobile: car; airplane: plane, jet; delivery truck: truck; articulated
lorry: lorry; bicycle: bike; motorcycle: motorbike; sailboat: boat; flying saucer: ufo; rocket: spaceship;
television: tv, telly; laptop: computer; mobile phone: phone, smartphone; soccer ball: football, ball;
jack-o-lantern: pumpkin; wrapped gift: present, gift; gem stone: diamond; hot beverage: cup of coffee, coffee;
teacup without handle: tea; beer mug: beer; wine glass: wine; cocktail glass: cocktail; ear of corn: corn,
maize; hot pepper: chili; red apple: apple; cheese wedge: cheese; steaming bowl: noodles; cooked rice: rice;
green salad: salad; birthday cake: cake; glass of milk: milk; cut of meat: steak; poultry leg: chicken leg,
drumstick; avocado: avocado pear; eggplant: aubergine; deciduous tree: oak, tree; evergreen tree: pine tree,
fir, forest; blossom: flower; maple leaf: leaf; honeybee: bee; lady beetle: ladybug; sauropod: dinosaur; t-rex:
tyrannosaurus; orca: killer whale; hippopotamus: hippo; rhinoceros: rhino; baby chick: chick; chicken: hen;
blowfish: puffer fish; boar: hog; ewe: lamb, sheep; ox: bull; crescent moon: moon; globe showing americas:
earth; ringed planet: planet; high voltage: lightning; fire: flame; water wave: wave; cloud with rain: rain;
snowflake: snow; cloud with lightning and rain: storm; snow-capped mountain: mountains; desert island: island;
beach with umbrella: beach; fire engine: firetruck; police car: cop car; taxi: cab; motor scooter: scooter;
sport utility vehicle: suv; vertical traffic light: traffic light; office building: skyscraper; house: home;
house with garden: cottage; mantelpiece clock: clock; luggage: suitcase; handbag: bag; running shoe: shoe,
sneaker; hiking boot: boots; top hat: hat; billed cap: cap; t-shirt: shirt; jeans: trousers, pants; necktie:
tie; dress: skirt; musical keyboard: piano; light bulb: lamp, bulb; flashlight: torch; envelope: letter, mail;
wastebasket: trash can, bin; carpentry saw: saw; dagger: sword; kitchen knife: knife; bow and arrow: bow; link:
chain; couch and lamp: sofa, couch; toilet: loo; bathtub: tub; pill: pills; adhesive bandage: band-aid, plaster;
money bag: money; red heart: heart; smiling face: smiley; pile of poo: poop; smiling face with horns: devil;
smiling face with halo: angel; face with tears of joy: laughing; loudly crying face: crying; crying face: sad;
angry face: angry; grinning face: happy; santa claus: santa; cowboy hat face: cowboy; clown face: clown; police
officer: policeman, cop; cook: chef; health worker: doctor, nurse; mage: wizard; prince: king; flexed biceps:
muscle; raised hand: hand; thumbs up: like; thumbs down: dislike; game die: dice; video game: gamepad; bullseye:
target; sports medal: medal; teddy bear: bear toy; christmas tree: xmas tree; artist palette: palette; chess
pawn: chess
"""

# Keywords that nobody would type to get the thing, or should.
OF_NO_USE = """
animations, bakkureru, bk, blue-square, boring, burger king, butt, ca, chadder, crap, deploy, doge, external,
fast food, finishline, girl, gokart, hankey, happytears, improve, instructment, jewish, jewish bakery, karl,
kod, mac, mcdonald's, mcdonalds, meh, needs improvement, new, paul, phallic, purple-square, remove, resources,
responsive design, sasha, sexual, shipit, shit, shitface, side, snapstreak, staffmode, suggestive, suitup,
transitions, turd, wip, york
"""


def read_words(text):
    """Name by everyday word."""
    found = {}
    for entry in " ".join(text.split()).split("; "):
        name, _, words = entry.partition(": ")
        found.update({word: name for word in words.split(", ")})
    return found


EVERYDAY = read_words(WORDS)
UNUSABLE = frozenset(" ".join(OF_NO_USE.split()).split(", "))
