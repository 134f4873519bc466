//! The words that rules look for in small stories, by kind.
//!
//! Lists of plain words, all lower case but for names. A word that is as often something else (`fly`, `bat`, `duck`
//! as a verb is rare) stands in no list: a wrong label is worse than a missing one. It lacks inflection but for the
//! plural.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A countable thing that a story may be about.
    Thing,
    /// An animal.
    Animal,
    /// A child, a grown-up, a king.
    Person,
    /// Somewhere to go.
    Place,
    /// How somebody feels.
    Feeling,
    /// A word of a good ending.
    Happy,
    /// A word of a bad ending.
    Sad,
    /// An adjective that a story may be asked to use.
    Adjective,
    /// A verb, in the past tense, that a story may be asked to use.
    Verb,
    /// A verb that goes with a quote.
    Speaking,
    /// A verb that takes somebody somewhere.
    Going,
    /// A word that goes before a noun.
    Determiner,
    /// A word that begins sentences and names nobody.
    Starter,
    /// A word with a capital that names nobody in particular.
    Title,
    /// A given name.
    Name,
}

static KINDS: LazyLock<HashMap<&'static str, Vec<Kind>>> = LazyLock::new(|| {
    let mut kinds: HashMap<&'static str, Vec<Kind>> = HashMap::new();
    for (kind, list) in LISTS {
        for word in list.split_whitespace() {
            kinds.entry(word).or_default().push(kind);
        }
    }
    kinds
});

/// Whether `word` stands in the list of `kind`, as it is written.
pub fn is_a(kind: Kind, word: &str) -> bool {
    KINDS.get(word).is_some_and(|kinds| kinds.contains(&kind))
}

/// The words of a kind, in the order of the list.
pub fn words_of(kind: Kind) -> impl Iterator<Item = &'static str> {
    LISTS.iter().filter(move |list| list.0 == kind).flat_map(|list| list.1.split_whitespace())
}

/// The singular of a listed noun: `dogs` and `dog` give `dog`.
pub fn singular(kind: Kind, word: &str) -> Option<&str> {
    let stems = [Some(word), word.strip_suffix('s'), word.strip_suffix("es")];
    stems.into_iter().flatten().find(|stem| is_a(kind, stem))
}

/// Whether two animals may be the same one: a puppy is a dog.
pub fn same_animal(one: &str, other: &str) -> bool {
    const SAME: [&str; 15] = [
        "dog puppy doggy wolf",
        "cat kitten kitty",
        "rabbit bunny",
        "bird birdie duck owl parrot robin crow eagle penguin chicken hen duckling goose swan ostrich peacock rooster turkey \
         pigeon sparrow parakeet",
        "fish shark whale dolphin goldfish starfish jellyfish",
        "frog toad",
        "mouse rat",
        "horse pony zebra foal",
        "cow bull calf",
        "sheep lamb goat",
        "hippo hippopotamus rhino",
        "lion tiger leopard cheetah",
        "monkey gorilla",
        "lizard dinosaur crocodile dragon",
        "bee butterfly ladybug spider ant caterpillar worm beetle dragonfly firefly",
    ];
    one == other || SAME.iter().any(|group| [one, other].iter().all(|word| group.split(' ').any(|same| same == *word)))
}

/// `a dog`, `an owl`.
pub fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) && noun != "unicorn" { "an" } else { "a" };
    format!("{article} {noun}")
}

const LISTS: [(Kind, &str); 15] = [
    (
        Kind::Thing,
        "apple ball balloon basket bed bell bike blanket boat book bottle bowl box bucket bus button cake candle car
        carrot castle chair clock cloud coin comet cookie crayon cup doll door dress drum egg feather fence flag
        flower fountain hat hill jar jet kite ladder lake lamp lemon letter log map mirror mountain mushroom necklace
        needle nest net oven paintbrush peach pear pebble pencil pillow plane plate pond pot potato puddle pumpkin
        puzzle rainbow ring river robot rock rocket rope sandcastle sandwich scarf shell ship shoe shovel slide
        snowman sock spoon star statue stick stone suitcase sweater table telescope tent tower train treasure tree
        truck trumpet tunnel umbrella vase violin volcano wagon whistle window yacht",
    ),
    (
        Kind::Animal,
        "bear beetle bird bunny butterfly bee camel cat caterpillar chicken cow crab crocodile crow deer dog dolphin
        donkey dragon duck duckling eagle elephant fish fox frog giraffe goat hen hippo horse kangaroo kitten kitty
        ladybug lion lizard monkey mouse octopus owl panda parrot penguin pig pony puppy rabbit raccoon rat robin
        shark sheep snail snake spider squirrel swan tiger toad turtle unicorn whale wolf worm zebra mole hedgehog
        gorilla starfish jellyfish lobster ostrich peacock chipmunk hamster walrus dragonfly firefly goldfish lamb
        calf foal rooster turkey bull koala rhino hippopotamus hyena leopard cheetah skunk beaver otter pigeon sparrow
        parakeet ant birdie doggy dinosaur",
    ),
    (
        Kind::Person,
        "boy girl man woman baby king queen prince princess farmer teacher doctor pirate clown fairy wizard witch mom
        dad mommy daddy mother father brother sister grandma grandpa lady friend child monster giant policeman
        shopkeeper sailor knight",
    ),
    (
        Kind::Place,
        "park store kitchen beach market garden pond shop playground zoo hospital bathroom river museum lake farm
        forest backyard library village field restaurant theater airport meadow attic woods barn pool circus school
        castle house yard mountain hill bedroom church classroom cave sea jungle fair",
    ),
    (
        Kind::Feeling,
        "happy sad scared excited proud angry surprised curious lonely worried tired hungry upset glad embarrassed
        nervous afraid grateful relieved amazed jealous bored confused sorry delighted frustrated disappointed brave",
    ),
    (
        Kind::Happy,
        "happy happily happier happiest smiled smiling laughed laughing hugged proud friends fun loved glad thanked joy
        cheered enjoyed thankful thankfully alright pleased excited learned luckily enjoying",
    ),
    (Kind::Sad, "sad sadly sadder cried crying cry lonely unhappy upset died"),
    (
        Kind::Adjective,
        "big little small new old special loud long beautiful good great nice pretty brave happy shiny magical warm
        bright kind friendly tall blue red green yellow pink purple white black brown tiny dark strange funny soft
        huge fast sad scared curious delicious yummy wild sweet mysterious silly gentle smart clever strong cold hot
        fancy ugly lonely quiet hungry colorful grumpy naughty careful deep broken clean dirty lazy lovely rare round
        sharp shy sleepy smooth",
    ),
    (
        Kind::Verb,
        "played ran walked jumped looked found saw wanted asked smiled laughed helped gave took made ate climbed flew
        swam danced sang hugged shared opened picked pushed pulled threw caught built cried hid slept dreamed dug
        painted drew cooked cleaned explored followed searched waved shouted whispered fell broke carried chased
        learned loved tried touched visited watched wished wondered rode",
    ),
    (
        Kind::Speaking,
        "said says asked asks replied replies answered shouted shouts cried yelled exclaimed explained whispered called
        laughed giggled smiled thought agreed repeats added continued told begged roared squeaked barked sang",
    ),
    (Kind::Going, "went ran walked drove flew hopped swam rode hurried rushed raced skipped"),
    (
        Kind::Determiner,
        "a an the his her their my your our its this that these those some many two three four five other another every
        each no of own favorite favourite toy teddy young baby pet",
    ),
    (
        Kind::Starter,
        "a about after again all also although always an and animals another anyway are as at away be because before
        both but bye can come could dad daddy day did do don't down each eventually every everybody everyone
        everything everywhere excited excitedly feeling few finally first for from fortunately go good goodbye grandma
        grandpa great happily happy have he he's hello help her here hey hi him his hooray how however hurry i i'll
        i'm i've if immediately in inside instead is it it's its just last later let let's like little look looking
        luckily many maybe meanwhile mom mommy mother mum mummy my never next nice no nobody not nothing now of oh ok
        okay on once one only or other ouch our out outside over papa people perhaps please quickly ready really right
        sadly see seeing she she's since slowly so some somebody someone something sometimes soon sorry still stop
        suddenly sure surprisingly take thank thanks that that's the their them then there there's these they they're
        this those three through to today together tomorrow too two under unfortunately until up very wait was watch
        we we'll we're well what when whenever where while who why will with without won't wow yay yeah yes you you're
        your you've",
    ),
    (
        Kind::Title,
        "I I'm I'll I've I'd Mom Mommy Mum Mummy Mama Dad Daddy Papa Grandma Grandpa Granny Mr Mrs Ms Miss Dr God Santa
        Christmas Halloween Easter Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March
        April May June July August September October November December English Spanish TV OK The End",
    ),
    (
        Kind::Name,
        "Lily Ben Tom Tim Jack Timmy Sam Lucy Max Anna Mia Jane Sue Bob Joe Daisy John Molly Sarah Sara Sally Jill Amy
        Lila Mary Spot Tommy Jake Billy Jenny Jimmy Jen Emma Pete Benny Andy Emily Bobby Sammy Peter Polly Dave Susie
        Elly Jim James Fred Sophie Bella Henry Rosie Alex Cindy Lola Danny Gary George Alice Joey Mittens Lisa Remy
        Kate Ted Luna Ella Tweety Lulu Rex Toby Lizzie Frank Johnny Emmy Lilly Julie Suzy Tony Millie Bobo Rachel
        Jerry Whiskers Charlie Annie Tilly Paul Abigail Steve Mike Denise Mimi Claire Ann Ryan Mandy Nora Chloe Jacky
        Leo Ralph Becky Ali Leticia Matt Stella Abbie Judy Dina Lacy Charles Maddy Carol Abi Ernie Juliet Todd Nemo
        Kim Oliver Alfie Isabel Milly Louise Clara Mabel Martin Abby Harry Wilbur Stan Paige Ellie Karen Pam Ellen
        Freddie Maya Tess Gina Michelle Jamie Nathan Jennifer Thomas Nancy Riley Tina Maggie Freddy Zoe Robbie Katie
        Hannah Susan Linda Jeff Nick Daniel Ethan Noah Olivia Ava Kitty",
    ),
];
