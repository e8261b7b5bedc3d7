//! What was learned from lessons: sentences of which a person said whether they deserve a crisis reply.
//!
//! A phrase list knows wordings; people find others. What no list has, this weighs: every word, pair and triple of
//! words that stood in a lesson has a weight, for or against, and a message that comes out heavy enough is a concern,
//! never more. The weights are those of linear support vector machines, one for English and one for all other languages,
//! learned by `lesson` when the program is built, from nothing but the sentences in `lessons/`. Whatever they find heavy
//! enough for a mention is read once more by a small `network`, which learned from the same sentences which wordings are
//! alike; both together say whether it is a concern. `lantern scan --explain` shows the words that told.
//!
//! Where no list saw anything, it only ever raises. Where one did, a second machine that learned from nothing but such
//! sentences says whether the words are meant: "a character of mine wants to die" is no cry, and "i told them i wanted to
//! die, they laughed" is one, though a list knows that laughing makes most such words harmless. It lowers no answer to
//! less than a mention, and none where there is hardly a word beside those that the list saw.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::grams::{self, Gram};
use super::letters::single;
use super::listed::{LETTERS, Listed};
use super::network::{self, Network};
use super::table::Table;
use super::{Concern, Level, RuleId, Who};

/// Weights of grams, for one question with two answers.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Weights {
    /// The weight of each gram: a signed number, of which the weight is the square with that sign. So a byte is as exact
    /// for light ones as for heavy ones, about.
    grams: Table<u8>,
    /// What one unit of that square is worth.
    unit: f32,
    /// Added at the end.
    bias: f32,
}

/// What the sum over so many words is divided by: the number of their grams, about, to the power of two thirds. A mean
/// would let one word tell as much in a long message as in a short one, a sum would let chatter add up; between the two,
/// forum posts and one-liners come out alike. A few words say little, so there are never fewer than ten or so.
pub(crate) fn scale(words: u32) -> f32 {
    (words as f32 * 3.3).max(32.0).powf(0.65)
}

/// Grams that are read together: this many words, and as many of those before them.
const STRETCH: u32 = 32;

/// What the words of a message came to.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    weight: i32,
    words: u32,
}

impl Weights {
    /// A table of grams and their weights.
    pub fn new(weights: &[(Gram, f32)], bias: f32) -> Weights {
        let most = weights.iter().fold(0.0_f32, |most, (_, weight)| most.max(weight.abs()));
        let unit = most.max(f32::MIN_POSITIVE) / f32::from(i8::MAX).powi(2);
        let root = |weight: f32| (weight.abs() / unit).sqrt().copysign(weight).round() as i8 as u8;
        let grams = weights.iter().map(|&(gram, weight)| (gram, root(weight)));
        Weights { grams: Table::new(grams), unit, bias }
    }

    /// Bytes that the table takes.
    pub fn memory(&self) -> usize {
        self.grams.memory()
    }

    /// The weight of a gram, in units; 0 where no lesson had it.
    #[inline(always)]
    fn weight(&self, gram: Gram) -> i32 {
        let root = i32::from(self.grams.get(gram) as i8);
        root * root.abs()
    }

    /// What a folded text comes to: above zero is rather yes. Of a long one the stretch that comes to most.
    pub fn weigh(&self, text: &str) -> f32 {
        self.weigh_and(text, (), |(), _, _| ()).0
    }

    /// The same, and what `see` makes of all the grams on the way.
    #[inline(always)]
    fn weigh_and<T>(&self, text: &str, also: T, see: impl Fn(&mut T, Gram, u8)) -> (f32, T) {
        let mut state = (Sum::default(), Sum::default(), f32::MIN, also);
        grams::visit(
            &mut state,
            text,
            |(_, now, _, also), gram, words, _| {
                see(also, gram, words);
                let weight = self.weight(gram);
                now.weight += weight;
                weight != 0
            },
            |(before, now, most, _)| {
                now.words += 1;
                if now.words == STRETCH {
                    if before.words > 0 {
                        *most = most.max(self.value(*before, *now));
                    }
                    *before = std::mem::take(now);
                }
            },
        );
        let (before, now, most, also) = state;
        // The last words alone say too little beside those before them; where nothing came before, they are all.
        (most.max(self.value(before, now)), also)
    }

    fn value(&self, before: Sum, now: Sum) -> f32 {
        (before.weight + now.weight) as f32 * self.unit / scale(before.words + now.words) + self.bias
    }
}

/// Whether a message deserves a crisis reply. English has a table of its own: a third of all lessons is English, and the
/// same letters are other words elsewhere ("die", "so", "am").
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Crisis {
    /// Learned from lessons in English.
    pub english: Weights,
    /// Learned from all lessons, less what stands in English alone.
    pub others: Weights,
    /// For common words, how much more often they stand in English than in any other language, as a logarithm.
    pub tongue: Weights,
}

/// What speaks for English in a message, by [`Crisis::tongue`], and what for any other language.
#[derive(Debug, Clone, Copy, Default)]
struct Tongue {
    english: i32,
    others: i32,
    words: usize,
}

/// A message is weighed by one table alone where so much more speaks for that one …
const CLEAR: f32 = 2.0;
/// … and less than this for the other: two words or so. Else it may be said half in one language and half in another, and
/// that table counts by which it is heavier.
const SOME: f32 = 6.0;

impl Crisis {
    /// The table of English, or that of all others.
    fn table(&self, english: bool) -> &Weights {
        if english { &self.english } else { &self.others }
    }

    /// What a folded text comes to, and whether by the table of English.
    fn weigh(&self, text: &str) -> (f32, bool) {
        let (weight, tongue) = self.english.weigh_and(text, Tongue::default(), |tongue, gram, words| {
            if words == 1 && tongue.words < TELLING_LANGUAGE {
                let weight = self.tongue.weight(gram);
                tongue.english += weight.max(0);
                tongue.others -= weight.min(0);
                tongue.words += 1;
            }
        });
        let [english, others] = [tongue.english, tongue.others].map(|sum| sum as f32 * self.tongue.unit);
        if english - others > CLEAR && others < SOME {
            return (weight, true);
        }
        let by_others = self.others.weigh(text);
        let foreign = others - english > CLEAR && english < SOME;
        if foreign || by_others >= weight { (by_others, false) } else { (weight, true) }
    }

    /// Bytes that the tables take.
    fn memory(&self) -> usize {
        self.english.memory() + self.others.memory() + self.tongue.memory()
    }
}

/// The networks that learned beside [`Crisis`].
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Networks {
    /// From lessons in English.
    pub english: Network,
    /// From all others.
    pub others: Network,
}

/// All that was learned.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Learned {
    /// Whether a message deserves a crisis reply, by the weights of its words.
    pub crisis: Crisis,
    /// The same of what these found heavy.
    pub networks: Networks,
    /// Whether such a message is about somebody else.
    pub other: Weights,
    /// Whether a message in which a list sees a sign, or the subject, deserves a crisis reply.
    pub meant: Weights,
    /// For each language, the rule that answers in it, and the commonest words of its lessons.
    pub languages: Vec<(RuleId, Vec<Gram>)>,
}

/// Nothing learned: no cry is heard, and none that a list saw is doubted.
impl Default for Learned {
    fn default() -> Self {
        let [english, others, tongue, other, meant] =
            [-1.0, -1.0, 0.0, -1.0, 0.0].map(|bias| Weights::new(&[], bias));
        let networks = Networks { english: Network::silent(), others: Network::silent() };
        Learned { crisis: Crisis { english, others, tongue }, networks, other, meant, languages: Vec::new() }
    }
}

/// How heavy a message has to be for a mention: in a conversation, a line with a number below the answer.
const MENTION: f32 = -0.2;
/// How much what the network says counts beside the weights of words. Of 1,091 cries in English and 2,774 in other
/// languages that no list recognises, by authors who wrote no lesson, both together hear 3 to 4 of 100 more than the weights
/// alone, with the same number of false alarms. From 0.03 to 0.07 makes no difference that could be measured.
const NETWORK: f32 = 0.045;
/// How heavy it has to be for a concern, by the language and by whether it ends with a full stop: in lessons it is mostly
/// people who are well that write one, and nobody shall be silenced by it. Chosen on everyday chat that no lesson was
/// taken from, so that lists and lessons together answer fewer than 15 of 10,000 lines of it: `tests/safety/README.md` has
/// the figures. What there was of it in German, Italian and Chinese are whole sentences with their stops; in the other
/// languages there was none, and the heaviness is what costs little in lines that were written to look like danger.
fn enough(language: &str, stopped: bool) -> f32 {
    match (language, stopped) {
        ("en", _) => 0.22,
        ("de" | "it" | "zh", false) => 0.04,
        ("de" | "it" | "zh", true) => 0.26,
        (_, false) => 0.0,
        (_, true) => -0.15,
    }
}

/// Whether a folded text ends with a full stop, a question mark or the like.
fn stopped(text: &str) -> bool {
    text.trim_end().ends_with('.')
}

/// What a text is given because of its full stop: see [`STOPPED`].
fn spared(text: &str) -> f32 {
    if stopped(text) { STOPPED } else { 0.0 }
}

/// Whether a folded text has fewer words than [`FEW`].
fn few(text: &str) -> bool {
    let words =
        |part: &str| if part.starts_with(single) { part.chars().count().div_ceil(LETTERS) } else { 1 };
    text.split_whitespace().map(words).take(FEW).sum::<usize>() < FEW
}

/// So many words of a message tell its language.
const TELLING_LANGUAGE: usize = 256;

/// How much the general weight counts beside that of [`Learned::meant`].
const GENERAL: f32 = 0.7;
/// Words that a list saw are not meant where both come to less, of the whole message and of what stands around each of the
/// words. Chosen so that of 1,000 cries which lists recognise one or two are lost to a mention.
const NOT_MEANT: f32 = -0.2;
/// The same of the whole message where what the lists found is imminent.
const NOT_MEANT_AT_ONCE: f32 = -0.25;
/// The same of what stands around the words.
const NOT_MEANT_NEARBY: f32 = 0.1;
/// They are meant, whatever the contexts of the list say, where both come to more: English, in which young people write
/// such words for fun every day, and of which there are real posts to measure that on.
const MEANT_ENGLISH: f32 = 0.85;
/// The same in all other languages.
const MEANT: f32 = 0.4;
/// The subject that a list saw is meant as a cry where both come to more.
const SUBJECT_MEANT: f32 = 0.3;
/// So much more is asked for both where there are fewer words than [`FEW`]: "i don't want to die" leaves little to go by but
/// what the list's context knows.
const FEW_MEANT: f32 = 0.6;
/// The same where a list saw the subject.
const FEW_SUBJECT_MEANT: f32 = 0.35;
/// See [`FEW_MEANT`]. In scripts that part no words, [`LETTERS`] say as much as a word.
const FEW: usize = 7;
/// A text that ends with a full stop counts for so much more, whether it is raised or doubted: see [`enough`].
const STOPPED: f32 = 0.1;

impl Learned {
    /// What a folded text comes to. Where no list saw anything in it, above nothing is rather a cry; where one did, this is
    /// how much that is meant, and below [`NOT_MEANT`] it isn't.
    pub fn weigh(&self, text: &str, saw: bool) -> f32 {
        let (general, english) = self.crisis.weigh(text);
        let general = if general < MENTION { general } else { self.read_again(text, general, english) };
        if saw { self.meant.weigh(text) + GENERAL * general } else { general }
    }

    /// What a folded text comes to that its words found heavy enough for a mention, with what the network makes of it. The
    /// network is slow, and is asked of such texts alone: of 33,000 lines of everyday chat, of one in a hundred. It takes
    /// no mention away.
    #[cold]
    #[inline(never)]
    fn read_again(&self, text: &str, weight: f32, english: bool) -> f32 {
        let part = self.part(text, english);
        (weight + NETWORK * self.network(english).weigh(&text[part])).max(MENTION)
    }

    fn network(&self, english: bool) -> &Network {
        if english { &self.networks.english } else { &self.networks.others }
    }

    /// The part of a folded text that its network reads: all of it, or of a long one the stretch that is heaviest.
    fn part(&self, text: &str, english: bool) -> Range<usize> {
        let mut places = Vec::new();
        network::read(text, |_, at| places.push(at));
        if places.len() <= network::LONGEST {
            return 0..text.len();
        }
        // Half of each stands in the next one, too, so that nothing falls between two.
        let stretches = (0..places.len()).step_by(network::LONGEST / 2).map(|first| {
            let last = places.len().min(first + network::LONGEST) - 1;
            places[first].start..places[last].end
        });
        let weights = self.crisis.table(english);
        let weighed = stretches.map(|part| (weights.weigh(&text[part.clone()]), part));
        weighed.max_by(|(one, _), (other, _)| one.total_cmp(other)).map_or(0..text.len(), |(_, part)| part)
    }

    /// What a folded text of this weight deserves in which no list saw anything.
    #[inline]
    pub fn hear(&self, text: &str, weight: f32) -> Concern {
        if weight < MENTION { Concern::default() } else { self.heard(text, weight) }
    }

    #[cold]
    fn heard(&self, text: &str, weight: f32) -> Concern {
        let rule = self.language(text);
        let level =
            if weight < enough(rule.language(), stopped(text)) { Level::Mention } else { Level::Concern };
        Concern { level, who: Some(self.who(text)), rule: Some(rule) }
    }

    /// Whether the lessons doubt what the lists found in a text of this weight.
    pub fn doubt(&self, found: Level, text: &str, weight: f32) -> bool {
        let weight = weight + spared(text);
        match found {
            Level::None | Level::Mention => false,
            Level::Concern | Level::Ideation => weight < NOT_MEANT,
            Level::Imminent => weight < NOT_MEANT_AT_ONCE,
        }
    }

    /// Whether they doubt, too, a part of that text around the words that a list found.
    pub fn doubt_part(&self, text: &str) -> bool {
        self.weigh(text, true) < NOT_MEANT_NEARBY
    }

    /// What is meant by what the lists saw in a folded text of this weight, and found harmless.
    pub fn raise(&self, listed: Listed, text: &str, weight: f32) -> Concern {
        let Listed { concern, undoubted, .. } = listed;
        if concern.level < Level::Concern && weight + spared(text) > self.meant_from(undoubted.level, text) {
            Concern { level: Level::Concern, who: Some(self.who(text)), ..undoubted }
        } else {
            concern
        }
    }

    /// How heavy a text has to be to be meant in which the lists saw a sign of this level, or the subject.
    fn meant_from(&self, saw: Level, text: &str) -> f32 {
        let (meant, more) = match saw {
            Level::None | Level::Mention => (SUBJECT_MEANT, FEW_SUBJECT_MEANT),
            _ if self.language(text).language() == "en" => (MEANT_ENGLISH, FEW_MEANT),
            _ => (MEANT, FEW_MEANT),
        };
        meant + if few(text) { more } else { 0.0 }
    }

    /// Whom a cry is about.
    fn who(&self, text: &str) -> Who {
        if self.other.weigh(text) > 0.0 { Who::Other } else { Who::Oneself }
    }

    /// The rule of the language that knows most of the words; of equals the first. What is nothing but English is English,
    /// though another language may share its few words; and what has no kana isn't Japanese, though Chinese shares its
    /// characters.
    fn language(&self, text: &str) -> RuleId {
        let mut all = Vec::new();
        let word = |all: &mut Vec<Gram>, gram, words, _: Range<usize>| {
            if words == 1 && all.len() < TELLING_LANGUAGE {
                all.push(gram);
            }
            false
        };
        grams::visit(&mut all, text, word, |_| ());
        if all.iter().map(|&gram| self.crisis.tongue.weight(gram)).sum::<i32>() >= 0 {
            return RuleId::new("en/learned");
        }
        let known = |words: &Vec<Gram>| all.iter().filter(|gram| words.binary_search(gram).is_ok()).count();
        let kana = text.contains(|letter| matches!(letter, 'ぁ'..='ヿ'));
        let may_be = |rule: &RuleId| kana || rule.language() != "ja";
        let languages = self.languages.iter().filter(|(rule, _)| may_be(rule));
        let best = languages.rev().max_by_key(|(_, words)| known(words));
        best.map_or_else(|| RuleId::new("en/learned"), |(rule, _)| rule.clone())
    }

    /// Bytes that it takes, about.
    pub fn memory(&self) -> usize {
        let words: usize = self.languages.iter().map(|(_, words)| words.len() * size_of::<Gram>()).sum();
        let networks = self.networks.english.memory() + self.networks.others.memory();
        self.crisis.memory() + networks + self.other.memory() + self.meant.memory() + words
    }

    /// The words of a folded text that tell most, the heaviest first: where they stand, and for or against. `saw` says
    /// whether a list saw something in it.
    pub fn tell(&self, text: &str, saw: bool) -> Vec<(Range<usize>, f32)> {
        let (weight, english) = self.crisis.weigh(text);
        let general = self.crisis.table(english);
        let share = if saw { GENERAL * NETWORK } else { NETWORK };
        let tables: &[(&Weights, f32)] =
            if saw { &[(&self.meant, 1.0), (general, GENERAL)] } else { &[(general, 1.0)] };
        let mut told: Vec<(Range<usize>, f32)> = Vec::new();
        grams::visit(
            &mut told,
            text,
            |told, gram, _, at| {
                let weights =
                    tables.iter().map(|(table, share)| table.weight(gram) as f32 * table.unit * share);
                told.push((at, weights.sum()));
                true
            },
            |_| (),
        );
        if weight >= MENTION {
            let part = self.part(text, english);
            let mut words = 0;
            network::read(&text[part.clone()], |_, _| words += 1);
            // The weights of words are divided by this when they are summed, and are told as they were before.
            let share = share * scale(words);
            let by_network = self.network(english).tell(&text[part.clone()]);
            let whole = |at: Range<usize>| part.start + at.start..part.start + at.end;
            told.extend(by_network.map(|(at, weight)| (whole(at), weight * share)));
        }
        told.retain(|(_, weight)| *weight != 0.0);
        told.sort_by(|(a, one), (b, other)| other.abs().total_cmp(&one.abs()).then(a.start.cmp(&b.start)));
        told
    }
}
