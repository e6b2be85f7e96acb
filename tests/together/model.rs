//! Random walks over whole repositories: three people with git-comfy, one without, a bare
//! remote, real git; and a model that knows of each node where it must lie.
//!
//! Every drag goes to a place where that node never lay before, so that a place tells the
//! drag. One drag is after another if whoever made it saw the other one's node lie there.
//! Of what a person is sure to know, nothing may be shown that an after-drag has replaced;
//! drags that did not know of each other may go either way, but the same in every clone.
//!
//! One walk again: `TOGETHER_SEED=7 TOGETHER_STEPS=50 cargo test people_who_work`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::sheet::{DECODE, LATENT, LOADER, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::Team;
use crate::support::Repo;

const FILES: [&str; 2] = ["a.json", "sub/b.json"];

/// A node by its id; 0 is the box of the group.
type Thing = u64;
const GROUP: Thing = 0;

type Drag = usize;

/// What somebody is sure to know of layouts: for a file with that content, the latest
/// drags of each thing.
#[derive(Debug, Clone, Default)]
struct Known(BTreeMap<(usize, String), BTreeMap<Thing, BTreeSet<Drag>>>);

/// What is remembered of one drag.
struct Made {
    what: String,
    /// Every drag of the thing that it replaced.
    after: BTreeSet<Drag>,
}

/// All drags ever made.
#[derive(Default)]
struct Drags {
    made: Vec<Made>,
    by_place: HashMap<(usize, Thing, [i64; 2]), Drag>,
}

impl Drags {
    fn at(&self, file: usize, thing: Thing, place: [f64; 2]) -> Option<Drag> {
        self.by_place.get(&(file, thing, [place[0] as i64, place[1] as i64])).copied()
    }

    fn make(&mut self, file: usize, thing: Thing, place: [i64; 2], over: Option<Drag>, by: &str) {
        let mut after = BTreeSet::new();
        if let Some(over) = over {
            after.clone_from(&self.made[over].after);
            after.insert(over);
        }
        let id = self.made.len();
        let thing_told =
            if thing == GROUP { "the group".to_owned() } else { format!("node {thing}") };
        let what = format!("drag {id} ({by}: {thing_told} of {} to {place:?})", FILES[file]);
        self.made.push(Made { what, after });
        self.by_place.insert((file, thing, place), id);
    }

    fn replaced(&self, old: Drag, by: Drag) -> bool {
        self.made[by].after.contains(&old)
    }

    /// Those that none of the others replaced.
    fn latest(&self, drags: &BTreeSet<Drag>) -> BTreeSet<Drag> {
        let replaced = |drag: &Drag| drags.iter().any(|by| self.replaced(*drag, *by));
        drags.iter().copied().filter(|drag| !replaced(drag)).collect()
    }
}

impl Known {
    fn of(&self, file: usize, blob: &str) -> Option<&BTreeMap<Thing, BTreeSet<Drag>>> {
        self.0.get(&(file, blob.to_owned()))
    }

    fn add(&mut self, drags: &Drags, file: usize, blob: &str, thing: Thing, drag: Drag) {
        let known = self.0.entry((file, blob.to_owned())).or_default().entry(thing).or_default();
        known.insert(drag);
        *known = drags.latest(known);
    }

    fn join(&mut self, drags: &Drags, other: &Known) {
        for (file, blob) in other.0.keys() {
            self.join_one(drags, other, *file, blob);
        }
    }

    fn join_one(&mut self, drags: &Drags, other: &Known, file: usize, blob: &str) {
        for (thing, known) in other.of(file, blob).into_iter().flatten() {
            for drag in known {
                self.add(drags, file, blob, *thing, *drag);
            }
        }
    }
}

/// One person's clone, and what the model knows of it.
struct Person {
    name: &'static str,
    repo: Repo,
    known: Known,
    /// What is in the notes of this clone.
    noted: Known,
    /// Where things lay when last looked.
    lies: BTreeMap<(usize, Thing), Drag>,
    /// The content that each file had then.
    blobs: [Option<String>; 2],
    /// Each file as it was before git wrote it last, as a tab may still show it.
    tabs: [Option<Sheet>; 2],
    sheets: [Option<Sheet>; 2],
    /// Places that a stale tab saved back; they are no drags.
    stale: BTreeMap<(usize, Thing), [f64; 2]>,
    branches: usize,
}

/// What a command does to files.
#[derive(Debug, Clone, PartialEq)]
enum Effect {
    /// Nothing at all; layouts may come.
    Still,
    /// Another state of the repository is shown.
    OtherState,
    /// Other content comes into files that stay open, and layouts come along.
    Along {
        /// From these revisions, too.
        from: Vec<String>,
        /// A hook runs that also brings layouts into files that git had no reason to write.
        hooked: bool,
    },
    /// Layouts that are known must be shown.
    Follow,
}

/// A file as it is found.
struct Found {
    sheet: Sheet,
    blob: String,
    edited: bool,
}

/// What is in a blob.
struct Content {
    meaning: BTreeMap<u64, String>,
    /// Its bytes, if it was committed with its positions.
    raw: Option<String>,
}

struct Walk {
    seed: u64,
    random: Random,
    team: Team,
    people: Vec<Person>,
    outsider: Repo,
    drags: Drags,
    /// What the notes on the remote are sure to hold.
    remote: Known,
    /// What is in the blobs that were looked at.
    contents: HashMap<String, Rc<Content>>,
    added: BTreeMap<usize, BTreeSet<Thing>>,
    places: i64,
    values: u64,
    steps: Vec<String>,
}

/// Small, fast and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

impl Drop for Walk {
    #[expect(clippy::print_stderr, reason = "the way to the failure, beside it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\nTOGETHER_SEED={}", self.seed);
            for step in &self.steps {
                eprintln!("  {step}");
            }
        }
    }
}

/// What a walk is made of.
#[derive(Debug, Clone, Copy)]
struct Plan {
    people: usize,
    kills: bool,
    /// Whoever has no git-comfy saves from ComfyUI, positions and all.
    raw: bool,
}

const PEOPLE: [&str; 3] = ["ann", "ben", "carl"];

/// The node whose values each person edits, so that content never conflicts.
const OWN: [(u64, usize); 3] = [(SAMPLER, 2), (PROMPT, 0), (LATENT, 0)];

impl Walk {
    fn new(seed: u64, plan: Plan) -> Walk {
        let team = Team::new();
        let mut random = Random(seed);
        let mut drags = Drags::default();
        let mut places = 0;
        let first = team.world.repo("ann");
        first.comfy(["init", "-q"]);
        for (file, path) in FILES.iter().enumerate() {
            let mut ids = vec![NEGATIVE, SAMPLER, PROMPT, LATENT];
            for id in [LOADER, DECODE] {
                if random.percent(60) {
                    ids.insert(random.below(ids.len()), id);
                }
            }
            let mut sheet = Sheet::of(&ids);
            for thing in ids.iter().copied().chain([GROUP]) {
                let place = new_place(&mut places, thing);
                put(&mut sheet, thing, place);
                drags.make(file, thing, place, None, "ann");
            }
            sheet.write(&first, path);
        }
        first.commit_all("first");
        first.git(["remote", "add", "origin", team.address()]);
        first.comfy(["init", "-q"]);
        first.git(["push", "-q", "-u", "origin", "main"]);
        let outsider = team.outsider("olaf");
        let mut repos = vec![first];
        repos.extend(PEOPLE[1..plan.people].iter().map(|name| team.member(name)));
        let people = repos.into_iter().zip(PEOPLE).map(|(repo, name)| {
            repo.git(["config", "user.name", name]);
            Person {
                name,
                repo,
                known: Known::default(),
                noted: Known::default(),
                lies: BTreeMap::new(),
                blobs: [None, None],
                tabs: [None, None],
                sheets: [None, None],
                stale: BTreeMap::new(),
                branches: 0,
            }
        });
        let people = people.collect();
        let mut walk = Walk {
            seed,
            random,
            team,
            people,
            outsider,
            drags,
            remote: Known::default(),
            contents: HashMap::new(),
            added: BTreeMap::new(),
            places,
            values: 0,
            steps: Vec::new(),
        };
        for who in 0..walk.people.len() {
            walk.look(who, &Effect::Still, "set up");
            walk.note_head(who);
        }
        walk.remote = walk.people[0].noted.clone();
        for person in &mut walk.people {
            person.known.join(&walk.drags, &walk.remote);
        }
        walk
    }

    fn content(&mut self, who: usize, blob: &str) -> Rc<Content> {
        if let Some(known) = self.contents.get(blob) {
            return known.clone();
        }
        let text = String::from_utf8(self.people[who].repo.blob(blob)).unwrap();
        let meaning = Sheet::parse(&text).meaning();
        let raw = text.contains("\"pos\"").then_some(text);
        let content = Rc::new(Content { meaning, raw });
        self.contents.insert(blob.to_owned(), content.clone());
        content
    }

    /// The blob of each file in a revision.
    fn blobs_of(&self, who: usize, revision: &str) -> [Option<String>; 2] {
        let told = self.people[who].repo.try_git(["ls-tree", "-r", revision]);
        blobs_in(&String::from_utf8_lossy(&told.stdout))
    }

    /// Looks at every file, checks what the model knows of it, and learns from it.
    #[track_caller]
    fn look(&mut self, who: usize, effect: &Effect, what: &str) {
        let mut incoming: Vec<[Option<String>; 2]> = Vec::new();
        if let Effect::Along { from, .. } = effect {
            incoming.extend(from.iter().map(|revision| self.blobs_of(who, revision)));
        }
        let status = self.people[who].repo.git(["status", "--porcelain", "--no-renames"]);
        let staged = blobs_in(&self.people[who].repo.git(["ls-files", "-s"]));
        let head = self.blobs_of(who, "HEAD");
        for (file, path) in FILES.iter().enumerate() {
            let Some(blob) = staged[file].clone() else {
                panic!("{what}: {path} is not in the index: {status}");
            };
            let sheet = Sheet::read(&self.people[who].repo, path);
            self.opened(who, file, &sheet);
            let content = self.content(who, &blob);
            let edited = match &content.raw {
                Some(raw) => self.people[who].repo.text(path) != *raw,
                None => sheet.meaning() != content.meaning,
            };
            let listed = status.lines().any(|line| line.get(3..) == Some(path));
            let expected = edited || head[file].as_ref() != Some(&blob);
            assert_eq!(listed, expected, "{what}: git status says of {path}: {status:?}");
            let found = Found { sheet, blob, edited };
            if content.raw.is_some() {
                self.learn_raw(who, file, &found);
                continue;
            }
            self.check(who, file, &found, effect, &incoming, what);
            self.learn(who, file, &found);
        }
        assert!(status.lines().all(|l| FILES.iter().any(|f| l.ends_with(f))), "{what}: {status}");
    }

    /// A tab that was open before git wrote the file shows what lay there then.
    fn opened(&mut self, who: usize, file: usize, sheet: &Sheet) {
        let person = &mut self.people[who];
        let before = person.sheets[file].replace(sheet.clone());
        if before.as_ref() != Some(sheet) {
            person.tabs[file] = before;
            person.stale.retain(|(of, _), _| *of != file);
        }
    }

    #[track_caller]
    fn check(
        &self,
        who: usize,
        file: usize,
        found: &Found,
        effect: &Effect,
        incoming: &[[Option<String>; 2]],
        what: &str,
    ) {
        let person = &self.people[who];
        let places = things(&found.sheet);
        let nodes = found.sheet.nodes().len() + 1;
        let told = found.sheet.told();
        assert_eq!(places.len(), nodes, "{what}: a node of {} lies nowhere: {told}", FILES[file]);
        let same_blob = person.blobs[file].as_ref() == Some(&found.blob);
        for (thing, place) in places {
            if person.stale.get(&(file, thing)) == Some(&place) {
                continue;
            }
            let mut floor: BTreeSet<Drag> = BTreeSet::new();
            let before = person.lies.get(&(file, thing));
            let own = person.known.of(file, &found.blob).and_then(|known| known.get(&thing));
            let own = || own.into_iter().flatten().filter(|_| !found.edited);
            match effect {
                Effect::Still => floor.extend(before),
                Effect::OtherState if same_blob && !found.edited => floor.extend(before),
                Effect::OtherState => floor.extend(own()),
                Effect::Along { hooked, .. } => {
                    floor.extend(before);
                    if *hooked || !same_blob {
                        floor.extend(own());
                    }
                    for blobs in incoming.iter().filter(|_| !same_blob) {
                        let theirs = blobs[file].as_ref().and_then(|b| person.known.of(file, b));
                        floor.extend(
                            theirs.and_then(|known| known.get(&thing)).into_iter().flatten(),
                        );
                    }
                }
                Effect::Follow => {
                    floor.extend(before);
                    floor.extend(own());
                }
            }
            let lies = self.drags.at(file, thing, place);
            let known_anywhere = || {
                let of_file = person.known.0.iter().filter(|((known, _), _)| *known == file);
                of_file.into_iter().any(|(_, things)| things.contains_key(&thing))
            };
            let told = || {
                let name = |drag: &Drag| self.drags.made[*drag].what.clone();
                let floor: Vec<String> = floor.iter().map(name).collect();
                format!(
                    "{what} ({effect:?}): {thing} of {} lies at {place:?}, which is {}; it lay by {}; \
                     known is {floor:#?}",
                    FILES[file],
                    lies.as_ref().map_or("nobody's drag".to_owned(), name),
                    before.map_or("none".to_owned(), name),
                )
            };
            match lies {
                None => assert!(floor.is_empty() && !known_anywhere(), "{}", told()),
                Some(lies) => {
                    let better = floor.iter().find(|by| self.drags.replaced(lies, **by));
                    assert!(better.is_none(), "{}", told());
                }
            }
        }
    }

    /// What lies in a file is known from now on for the content that it has.
    fn learn(&mut self, who: usize, file: usize, found: &Found) {
        let person = &mut self.people[who];
        let blob = match found.edited {
            false => found.blob.clone(),
            true => person.repo.git(["hash-object", "--", FILES[file]]).trim().to_owned(),
        };
        person.blobs[file] = Some(blob.clone());
        let places = things(&found.sheet);
        person.stale.retain(|(of, thing), at| *of != file || places.get(thing) == Some(at));
        let stale = &person.stale;
        person.lies.retain(|(of, thing), _| *of != file || stale.contains_key(&(file, *thing)));
        for (thing, place) in places {
            let drag = match person.stale.contains_key(&(file, thing)) {
                true => person.lies.get(&(file, thing)).copied(),
                false => self.drags.at(file, thing, place),
            };
            if let Some(drag) = drag {
                person.lies.insert((file, thing), drag);
                person.known.add(&self.drags, file, &blob, thing, drag);
            }
        }
    }

    /// Places in a file that was committed with them count for nothing yet.
    fn learn_raw(&mut self, who: usize, file: usize, found: &Found) {
        let person = &mut self.people[who];
        person.blobs[file] = None;
        person.stale.retain(|(of, _), _| *of != file);
        person.lies.retain(|(of, _), _| *of != file);
        for (thing, place) in things(&found.sheet) {
            if let Some(drag) = self.drags.at(file, thing, place) {
                person.lies.insert((file, thing), drag);
            }
        }
    }

    /// What is known of the files of HEAD goes into the notes.
    fn note_head(&mut self, who: usize) {
        let head = self.blobs_of(who, "HEAD");
        let person = &mut self.people[who];
        for (file, blob) in head.iter().enumerate() {
            if let Some(blob) = blob {
                person.noted.join_one(&self.drags, &person.known, file, blob);
            }
        }
    }

    /// Everything on the remote is known to somebody from now on.
    fn fetched(&mut self, who: usize) {
        let person = &mut self.people[who];
        person.known.join(&self.drags, &self.remote);
    }

    /// The layouts of contents of which nothing was known.
    fn fetched_missing(&mut self, who: usize, revision: &str) {
        let head = self.blobs_of(who, revision);
        let person = &mut self.people[who];
        for (file, blob) in head.iter().enumerate() {
            if let Some(blob) = blob
                && person.known.of(file, blob).is_none()
            {
                person.known.join_one(&self.drags, &self.remote, file, blob);
            }
        }
    }

    /// Somebody's notes and the remote's become one.
    fn shared(&mut self, who: usize) {
        self.note_head(who);
        let person = &mut self.people[who];
        person.noted.join(&self.drags, &self.remote);
        person.known.join(&self.drags, &self.remote);
        self.remote = person.noted.clone();
    }

    /// Runs a command; whether it succeeded.
    fn run(&mut self, who: usize, arguments: &[&str]) -> bool {
        let output = self.people[who].repo.try_git(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        let told = told.lines().next().unwrap_or_default();
        let outcome = if output.status.success() { "" } else { " FAILED: " };
        let name = self.people[who].name;
        let number = self.steps.len();
        let line = format!("{number}: {name}: git {}{outcome}{told}", arguments.join(" "));
        self.steps.push(line);
        output.status.success()
    }

    fn git(&self, who: usize, arguments: &[&str]) -> String {
        self.people[who].repo.git(arguments)
    }

    fn head(&self, who: usize) -> String {
        self.people[who].repo.id("HEAD")
    }

    fn is_edited(&self, who: usize) -> bool {
        !self.git(who, &["status", "--porcelain"]).is_empty()
    }

    fn on_main(&self, who: usize) -> bool {
        self.git(who, &["rev-parse", "--abbrev-ref", "HEAD"]).trim() == "main"
    }

    /// Ends what git is in the middle of, as somebody does who gives up.
    fn give_up(&mut self, who: usize) {
        let git_dir = self.people[who].repo.path.join(".git");
        let there = |name: &str| git_dir.join(name).exists();
        let steps: [(&str, &[&str]); 5] = [
            ("rebase-merge", &["rebase", "--abort"]),
            ("rebase-apply", &["rebase", "--abort"]),
            ("CHERRY_PICK_HEAD", &["cherry-pick", "--abort"]),
            ("REVERT_HEAD", &["revert", "--abort"]),
            ("MERGE_HEAD", &["merge", "--abort"]),
        ];
        for (name, command) in steps {
            if there(name) {
                self.run(who, command);
            }
        }
        let unmerged = !self.git(who, &["ls-files", "-u"]).is_empty();
        if unmerged || ["rebase-merge", "MERGE_HEAD", "REVERT_HEAD"].iter().any(|n| there(n)) {
            self.run(who, &["reset", "-q", "--hard"]);
        }
    }

    fn in_the_middle(&self, who: usize) -> bool {
        let git_dir = self.people[who].repo.path.join(".git");
        let all = ["rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_HEAD"];
        all.iter().any(|name| git_dir.join(name).exists())
            || !self.git(who, &["ls-files", "-u"]).is_empty()
    }

    /// Runs a command that changes files; looks what became of them.
    fn change(&mut self, who: usize, arguments: &[&str], effect: Effect) -> bool {
        // Revisions change their meaning with the command.
        let effect = match effect {
            Effect::Along { from, hooked } => {
                let id = |revision: &String| {
                    let told = self.people[who].repo.try_git(["rev-parse", revision.as_str()]);
                    String::from_utf8_lossy(&told.stdout).trim().to_owned()
                };
                Effect::Along { from: from.iter().map(id).collect(), hooked }
            }
            other => other,
        };
        // What throws work away is not the first to look at it.
        let discards = arguments[0] == "reset" || arguments.contains(&"--");
        if discards || self.random.percent(50) {
            self.is_edited(who);
        }
        let succeeded = self.run(who, arguments);
        let what = self.steps.last().cloned().unwrap_or_default();
        if succeeded {
            self.look(who, &effect, &what);
        } else if self.in_the_middle(who) {
            self.give_up(who);
            self.look(who, &Effect::OtherState, &what);
        } else {
            let refused = what.contains("local changes") || what.contains("unstaged changes");
            assert!(!refused || self.is_edited(who), "refused though nothing is edited: {what}");
            self.look(who, &Effect::Still, &what);
        }
        succeeded
    }

    fn save(&mut self, who: usize, layout: bool, content: bool) {
        let file = self.random.below(FILES.len());
        let mut sheet = Sheet::read(&self.people[who].repo, FILES[file]);
        let mut told = Vec::new();
        if content {
            self.values += 1;
            let (node, widget) = OWN[who];
            let value = 1000 + self.values;
            match node {
                PROMPT => sheet.set(node, widget, format!("fox {value}")),
                _ => sheet.set(node, widget, value),
            };
            told.push(format!("value {value}"));
            let added = self.added.entry(file).or_default();
            let id = 20 + 3 * who as u64 + self.random.below(3) as u64;
            if self.random.percent(15) && added.insert(id) {
                let place = new_place(&mut self.places, id);
                sheet.add(id, place, [200, 100]);
                self.drags.make(file, id, place, None, PEOPLE[who]);
                told.push(format!("new node {id} at {place:?}"));
            }
        }
        if layout {
            let mut all = sheet.stacking();
            all.push(GROUP);
            for _ in 0..1 + self.random.below(2) {
                let thing = self.random.of(&all);
                let place = new_place(&mut self.places, thing);
                put(&mut sheet, thing, place);
                let before = self.people[who].lies.get(&(file, thing)).copied();
                self.drags.make(file, thing, place, before, PEOPLE[who]);
                if let Some(drag) = self.drags.at(file, thing, [place[0] as f64, place[1] as f64]) {
                    self.people[who].lies.insert((file, thing), drag);
                }
                told.push(format!("{thing} to {place:?}"));
            }
        }
        sheet.write(&self.people[who].repo, FILES[file]);
        self.people[who].sheets[file] = Some(sheet.clone());
        if content {
            self.people[who].blobs[file] = None;
        }
        let number = self.steps.len();
        let name = self.people[who].name;
        self.steps.push(format!("{number}: {name}: saved {}: {}", FILES[file], told.join(", ")));
        let what = self.steps.last().cloned().unwrap_or_default();
        // Now and then the next command is the first to look at it.
        if self.random.percent(70) {
            self.look(who, &Effect::Still, &what);
        }
    }

    /// A tab that was opened before git wrote the file is saved: its places, and whatever
    /// else is in the file, so that no content is undone.
    fn save_from_stale_tab(&mut self, who: usize) {
        let file = self.random.below(FILES.len());
        let Some(tab) = self.people[who].tabs[file].take() else { return };
        let mut sheet = Sheet::read(&self.people[who].repo, FILES[file]);
        let here = things(&sheet);
        let mut told = Vec::new();
        for (thing, [x, y]) in things(&tab) {
            let known = self.drags.at(file, thing, [x, y]).is_some();
            if known && here.get(&thing).is_some_and(|here| *here != [x, y]) {
                put(&mut sheet, thing, [x as i64, y as i64]);
                self.people[who].stale.insert((file, thing), [x, y]);
                told.push(format!("{thing} at {x},{y}"));
            }
        }
        sheet.write(&self.people[who].repo, FILES[file]);
        self.people[who].sheets[file] = Some(sheet);
        let told = told.join(", ");
        let (number, name) = (self.steps.len(), self.people[who].name);
        self.steps
            .push(format!("{number}: {name}: saved {} from a stale tab: {told}", FILES[file]));
        let what = self.steps.last().cloned().unwrap_or_default();
        self.look(who, &Effect::Still, &what);
    }

    fn commit(&mut self, who: usize) {
        let add = self.random.percent(30);
        if add {
            self.run(who, &["add", "."]);
        }
        self.values += 1;
        let message = format!("commit {}", self.values);
        let mut arguments = vec!["commit", "-q", "-m", &message];
        if !add {
            arguments.push("-a");
        }
        if self.random.percent(20) {
            arguments.push("--allow-empty");
        }
        let first = self.random.percent(50).then(|| self.is_edited(who));
        let empty = arguments.contains(&"--allow-empty");
        let succeeded = self.change(who, &arguments, Effect::Still);
        if let Some(edited) = first {
            assert_eq!(succeeded, edited || empty, "{}", self.steps.last().unwrap());
        }
        self.note_head(who);
    }

    fn pull(&mut self, who: usize) {
        if self.random.percent(50) && self.is_edited(who) {
            self.commit(who);
        }
        let rebase = if self.random.percent(40) { "--rebase" } else { "--no-rebase" };
        let mut arguments = vec!["pull", "-q", "--no-edit", rebase];
        let plain = self.on_main(who) && self.random.percent(50);
        if !plain {
            if self.random.percent(30) {
                arguments.push("--tags");
            }
            arguments.extend(["origin", "main"]);
        }
        self.pulled(who, &arguments, plain);
    }

    /// Pulls; whether it came to an end.
    fn pulled(&mut self, who: usize, arguments: &[&str], plain: bool) -> bool {
        let tip = self.team.bare.id("main");
        let head = self.head(who);
        // What comes is there before files are written, or put right by the hooks.
        if plain {
            self.fetched(who);
        }
        let succeeded = self.run(who, arguments);
        let what = self.steps.last().cloned().unwrap_or_default();
        if !succeeded {
            if self.in_the_middle(who) {
                self.give_up(who);
                self.look(who, &Effect::OtherState, &what);
            } else {
                let refused = what.contains("local changes") || what.contains("unstaged changes");
                assert!(
                    !refused || self.is_edited(who),
                    "refused though nothing is edited: {what}"
                );
                self.look(who, &Effect::Still, &what);
            }
            return false;
        }
        if !plain {
            for revision in ["HEAD", &tip] {
                self.fetched_missing(who, revision);
            }
        }
        let effect = match self.head(who) == head {
            true => Effect::Still,
            false => Effect::Along { from: vec![tip], hooked: true },
        };
        self.look(who, &effect, &what);
        true
    }

    fn push(&mut self, who: usize) {
        let verify = self.random.percent(70);
        let mut arguments = vec!["push", "-q"];
        if !verify {
            arguments.push("--no-verify");
        }
        arguments.extend(["origin", "main"]);
        let on_main = self.on_main(who);
        let succeeded = self.change(who, &arguments, Effect::Still);
        if succeeded && verify && on_main {
            self.shared(who);
        }
    }

    fn sync(&mut self, who: usize) {
        if self.run(who, &["comfy", "sync"]) {
            self.shared(who);
        }
        let what = self.steps.last().cloned().unwrap_or_default();
        self.look(who, &Effect::Follow, &what);
    }

    fn branch(&mut self, who: usize) {
        let number = self.people[who].branches;
        match self.random.below(4) {
            0 if number < 4 => {
                self.people[who].branches += 1;
                self.change(
                    who,
                    &["checkout", "-q", "-b", &format!("side{number}")],
                    Effect::Still,
                );
            }
            1 if number > 0 => {
                let name = format!("side{}", self.random.below(number));
                self.change(who, &["checkout", "-q", &name], Effect::OtherState);
            }
            _ => {
                self.change(who, &["checkout", "-q", "main"], Effect::OtherState);
            }
        }
    }

    fn other_branch(&mut self, who: usize) -> Option<String> {
        let number = self.people[who].branches;
        if number == 0 {
            return None;
        }
        let name = format!("side{}", self.random.below(number));
        let exists = ["rev-parse", "--verify", "-q", &name];
        self.people[who].repo.try_git(exists).status.success().then_some(name)
    }

    fn bring(&mut self, who: usize) {
        let Some(name) = self.other_branch(who) else { return self.branch(who) };
        if self.random.percent(70) && self.is_edited(who) {
            self.commit(who);
        }
        let merged = Effect::Along { from: vec![name.clone()], hooked: true };
        let along = Effect::Along { from: vec![name.clone()], hooked: false };
        match self.random.below(7) {
            0 => self.change(who, &["merge", "-q", "--no-edit", &name], merged),
            1 => self.change(who, &["merge", "-q", "--no-edit", "--no-ff", &name], merged),
            2 => self.change(who, &["rebase", "-q", &name], along),
            3 => self.change(who, &["merge", "-q", "--no-edit", "-s", "resolve", &name], merged),
            4 => {
                let Some(second) = self.other_branch(who) else { return };
                let from = vec![name.clone(), second.clone()];
                let along = Effect::Along { from, hooked: true };
                self.change(who, &["merge", "-q", "--no-edit", &name, &second], along)
            }
            _ => self.change(who, &["cherry-pick", &name], along),
        };
        self.note_head(who);
    }

    fn stash(&mut self, who: usize) {
        let there = !self.git(who, &["stash", "list"]).is_empty();
        if there && self.random.percent(60) {
            let along = Effect::Along { from: vec!["stash".to_owned()], hooked: false };
            let how = self.random.of(&["pop", "pop", "apply"]);
            self.change(who, &["stash", how, "-q"], along);
        } else {
            self.change(who, &["stash", "push", "-q"], Effect::OtherState);
        }
    }

    fn go_back(&mut self, who: usize) {
        let by_me = self.git(who, &["log", "-1", "--format=%an %P"]);
        let mut words = by_me.split_whitespace();
        let mine = words.next() == Some(self.people[who].name) && words.count() == 1;
        match self.random.below(6) {
            0 => {
                self.change(who, &["reset", "-q", "--hard"], Effect::OtherState);
            }
            1 if mine => {
                self.change(who, &["reset", "-q", "--hard", "HEAD~1"], Effect::OtherState);
            }
            4 if mine => {
                self.change(
                    who,
                    &["commit", "-q", "--amend", "--no-edit", "--allow-empty"],
                    Effect::Still,
                );
                self.note_head(who);
            }
            5 => {
                let file = FILES[self.random.below(2)];
                self.change(who, &["checkout", "-q", "HEAD~1", "--", file], Effect::OtherState);
            }
            2 => {
                let file = FILES[self.random.below(2)];
                let edited = self.is_edited(who);
                let effect = if edited {
                    Effect::OtherState
                } else {
                    Effect::Along { from: Vec::new(), hooked: false }
                };
                self.change(who, &["checkout", "-q", "--", file], effect);
            }
            _ if mine => {
                if self.is_edited(who) {
                    self.commit(who);
                }
                let by_me = self.git(who, &["log", "-1", "--format=%s"]);
                if by_me.starts_with("commit") {
                    self.change(
                        who,
                        &["revert", "--no-edit", "HEAD"],
                        Effect::Along { from: Vec::new(), hooked: false },
                    );
                    self.note_head(who);
                }
            }
            _ => {}
        }
    }

    /// What should change nothing.
    fn only_look(&mut self, who: usize) {
        let commands: [&[&str]; 7] = [
            &["comfy", "status"],
            &["diff"],
            &["log", "-p", "-2"],
            &["archive", "-o", "../old.tar", "HEAD~1"],
            &["cat-file", "--filters", "HEAD~1:a.json"],
            &["gc", "-q", "--prune=now"],
            &["fetch", "-q"],
        ];
        let at = self.random.below(commands.len());
        let succeeded = self.run(who, commands[at]);
        if succeeded && commands[at][0] == "fetch" {
            self.fetched(who);
        }
        let what = self.steps.last().cloned().unwrap_or_default();
        self.look(who, &Effect::Still, &what);
    }

    /// Somebody without git-comfy edits a file: as git stores it, or in ComfyUI, whose
    /// Save writes positions.
    fn outside(&mut self, raw: bool) {
        let repo = &self.outsider;
        if !repo.try_git(["pull", "-q", "--rebase"]).status.success() {
            repo.try_git(["rebase", "--abort"]);
            repo.git(["fetch", "-q"]);
            repo.git(["reset", "-q", "--hard", "origin/main"]);
        }
        self.values += 1;
        let file = self.random.below(FILES.len());
        let text = repo.text(FILES[file]);
        let raw = raw && self.random.percent(50) || text.contains("\"pos\"");
        let edited = if raw { self.saved_raw(file, &text) } else { self.edited(&text) };
        let repo = &self.outsider;
        repo.write(FILES[file], edited);
        repo.git(["commit", "-q", "-a", "-m", "outside"]);
        let pushed = repo.try_git(["push", "-q"]).status.success();
        let (number, value, path) = (self.steps.len(), self.values, FILES[file]);
        let how = if raw { "saved raw" } else { "edited" };
        let line = format!("{number}: olaf: {how} {path} (fog {value}), pushed: {pushed}");
        self.steps.push(line);
    }

    /// The stored form with another value.
    fn edited(&self, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let id = lines.iter().position(|line| line.trim() == format!("\"id\": {NEGATIVE},"));
        let values = id.and_then(|id| {
            let after = lines[id..].iter().position(|line| line.contains("\"widgets_values\""));
            after.map(|after| id + after)
        });
        let Some(at) = values else { panic!("not as git stores it: {text}") };
        lines[at + 1] = format!("        \"fog {}\"", self.values);
        lines.join("\n") + "\n"
    }

    /// As ComfyUI saves it, everything at a place of its own.
    fn saved_raw(&mut self, file: usize, text: &str) -> String {
        let mut sheet = Sheet::parse(text);
        sheet.set(NEGATIVE, 0, format!("fog {}", self.values));
        for thing in sheet.stacking().into_iter().chain([GROUP]) {
            let place = new_place(&mut self.places, thing);
            put(&mut sheet, thing, place);
            if thing != GROUP {
                sheet.node_mut(thing)["size"] = serde_json::json!([200, 100]);
            }
            self.drags.make(file, thing, place, None, "olaf");
        }
        sheet.text()
    }

    /// A command that is killed on the way, and what a person does then.
    #[cfg(unix)]
    fn kill(&mut self, who: usize) {
        use std::os::unix::process::CommandExt;
        let commands: [&[&str]; 8] = [
            &["commit", "-q", "-a", "-m", "killed"],
            &["pull", "-q", "--no-edit", "--no-rebase"],
            &["pull", "-q", "--no-edit", "--rebase", "origin", "main"],
            &["push", "-q", "origin", "main"],
            &["checkout", "-q", "main"],
            &["comfy", "sync"],
            &["add", "."],
            &["stash", "-q"],
        ];
        let arguments = commands[self.random.below(commands.len())];
        let wait = self.random.below(60) as u64;
        self.is_edited(who);
        let mut command = self.people[who].repo.command("git");
        command.args(arguments).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let group = format!("-{}", child.id());
        let mut kill = self.people[who].repo.command("kill");
        let _ = kill.args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let status = child.wait().unwrap();
        let name = self.people[who].name;
        let number = self.steps.len();
        let told = arguments.join(" ");
        self.steps.push(format!("{number}: {name}: git {told} killed after {wait} ms: {status}"));
        remove_locks(&self.people[who].repo.path.join(".git"));
        remove_locks(&self.team.bare.path);
        self.give_up(who);
        self.run(who, &["reset", "-q", "--hard"]);
        let what = self.steps.last().cloned().unwrap_or_default();
        self.look(who, &Effect::OtherState, &what);
    }

    #[cfg(not(unix))]
    fn kill(&mut self, _who: usize) {}

    fn step(&mut self, plan: Plan) {
        let who = self.random.below(self.people.len());
        match self.random.below(100) {
            0..12 => self.save(who, true, false),
            12..20 => self.save(who, false, true),
            20..32 => self.save(who, true, true),
            32..46 => self.commit(who),
            46..58 => self.pull(who),
            58..67 => self.push(who),
            67..73 => self.branch(who),
            73..79 => self.bring(who),
            79..84 => self.stash(who),
            84..89 => self.go_back(who),
            89..91 => self.save_from_stale_tab(who),
            91..93 => self.only_look(who),
            93..95 => self.sync(who),
            95..98 => self.outside(plan.raw),
            _ if plan.kills => self.kill(who),
            _ => self.save(who, true, false),
        }
    }

    /// Everybody commits, pulls, pushes and syncs, until nothing is left to bring.
    fn settle(&mut self) {
        self.steps.push(format!("{}: everybody comes together", self.steps.len()));
        for who in 0..self.people.len() {
            if self.is_edited(who) {
                self.run(who, &["commit", "-q", "-a", "-m", "settled"]);
                let what = self.steps.last().cloned().unwrap_or_default();
                self.look(who, &Effect::Still, &what);
                self.note_head(who);
            }
            self.change(who, &["checkout", "-q", "main"], Effect::OtherState);
        }
        for _ in 0..2 {
            for who in 0..self.people.len() {
                if !self.pulled(who, &["pull", "-q", "--no-rebase", "--no-edit"], true) {
                    self.change(who, &["reset", "-q", "--hard", "origin/main"], Effect::OtherState);
                }
                assert!(self.change(who, &["push", "-q", "origin", "main"], Effect::Still));
                self.shared(who);
            }
        }
        for _ in 0..2 {
            for who in 0..self.people.len() {
                self.sync(who);
            }
        }
        let tip = self.team.bare.id("main");
        let fresh = self.team.member(&format!("fresh{}", self.steps.len()));
        for (file, path) in FILES.iter().enumerate() {
            let wanted = things(&Sheet::read(&self.people[0].repo, path));
            let others = self.people.iter().map(|person| (person.name, &person.repo));
            for (name, repo) in others.chain([("a fresh clone", &fresh)]) {
                assert_eq!(repo.id("HEAD"), tip, "{name}");
                let here = things(&Sheet::read(repo, path));
                assert_eq!(here, wanted, "{path} lies otherwise in {name} than in ann");
                assert_eq!(repo.git(["status", "--porcelain"]), "", "{name}");
            }
            for (thing, place) in wanted {
                let lies = self.drags.at(file, thing, place);
                assert!(lies.is_some(), "{thing} of {path} lies where nobody put it: {place:?}");
            }
        }
    }

    /// What must hold of the repositories themselves.
    fn sound(&self) {
        let all = self.people.iter().map(|person| &person.repo);
        for repo in all.chain([&self.team.bare, &self.outsider]) {
            let fsck = repo.try_git(["fsck", "--strict", "--no-dangling", "--no-progress"]);
            let told = String::from_utf8_lossy(&fsck.stderr);
            assert!(fsck.status.success(), "git fsck: {told}");
            let notes = repo.try_git(["notes", "--ref=comfy", "list"]);
            let notes = String::from_utf8_lossy(&notes.stdout).into_owned();
            let about: Vec<&str> = notes.lines().filter_map(|l| l.split(' ').nth(1)).collect();
            let unique: BTreeSet<&str> = about.iter().copied().collect();
            assert_eq!(about.len(), unique.len(), "two records for one commit: {notes}");
            assert_nothing_left(repo);
        }
    }
}

/// A place where that thing never lay, in a column of its own: things never overlap, and
/// every file keeps its size.
fn new_place(places: &mut i64, thing: Thing) -> [i64; 2] {
    let column = match thing {
        GROUP => 6,
        3..=8 => thing as i64 - 3,
        _ => thing as i64 - 20 + 7,
    };
    *places += 1;
    let (x, y) = (*places % 70, (*places * 37) % 8999);
    [1000 + 500 * column + x, 1000 + y]
}

fn put(sheet: &mut Sheet, thing: Thing, [x, y]: [i64; 2]) {
    match thing {
        GROUP => sheet.set_group([x, y, 400, 400]),
        id => sheet.put(id, [x, y]),
    };
}

/// Where everything lies that lies anywhere.
fn things(sheet: &Sheet) -> BTreeMap<Thing, [f64; 2]> {
    let mut things = sheet.places();
    if let Some([x, y, ..]) = sheet.group() {
        things.insert(GROUP, [x, y]);
    }
    things
}

/// Reads `ls-tree -r` or `ls-files -s`: the ids stand before the tab, third or second.
fn blobs_in(told: &str) -> [Option<String>; 2] {
    FILES.map(|path| {
        let line = told.lines().find(|line| line.split('\t').nth(1) == Some(path))?;
        let mut words = line.split(['\t', ' ']).skip(1);
        let word = words.next()?;
        Some(if word == "blob" { words.next()? } else { word }.to_owned())
    })
}

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}

/// As git tells people to do who killed it.
fn remove_locks(git_dir: &Path) {
    let mut files = Vec::new();
    files_below(git_dir, &mut files);
    for file in files.iter().filter(|file| is_lock(file)) {
        let _ = fs::remove_file(file);
    }
}

/// No lock and no temporary file is left, once workers in the background are done.
#[track_caller]
fn assert_nothing_left(repo: &Repo) {
    let bare = repo.path.join("objects").is_dir();
    let git_dir = if bare { repo.path.clone() } else { repo.path.join(".git") };
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let mut files = Vec::new();
        files_below(&git_dir, &mut files);
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.retain(|path| {
            let name = name(path);
            // Those of git-comfy stay: they are held, not made.
            let held = path.parent().is_some_and(|folder| folder.ends_with("comfy"));
            (is_lock(path) && !held) || name.starts_with(".tmp") || name.ends_with(".tmp")
        });
        if files.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind: {files:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// One walk of these steps. Each is drawn by itself, so that one can be left out and the
/// others stay what they are.
fn walk(seed: u64, steps: &[u64], plan: Plan) {
    let mut walk = Walk::new(seed, plan);
    for (at, step) in steps.iter().enumerate() {
        walk.random = Random(seed.wrapping_mul(1 << 32) + step);
        walk.step(plan);
        if at % 100 == 99 {
            walk.settle();
        }
    }
    walk.settle();
    walk.sound();
}

/// Walks of these seeds, or the one that was asked for.
fn walks(seeds: std::ops::Range<u64>, steps: u64, plan: Plan) {
    let steps: Vec<u64> = asked_steps().unwrap_or_else(|| (0..steps).collect());
    match number("TOGETHER_SEED") {
        Some(seed) => walk(seed, &steps, plan),
        None => seeds.for_each(|seed| walk(seed, &steps, plan)),
    }
}

/// `TOGETHER_STEPS` is how many, or those between commas.
fn asked_steps() -> Option<Vec<u64>> {
    let asked = std::env::var("TOGETHER_STEPS").ok()?;
    if !asked.contains(',') {
        return asked.parse().ok().map(|steps| (0..steps).collect());
    }
    Some(asked.split(',').filter_map(|step| step.parse().ok()).collect())
}

/// The fewest steps of a walk that still fails: `TOGETHER_SEED` and `TOGETHER_STEPS` name
/// it, `TOGETHER_RAW` that somebody commits positions.
#[test]
#[ignore = "for a walk that failed"]
fn the_fewest_steps_that_fail() {
    let (Some(seed), Some(mut steps)) = (number("TOGETHER_SEED"), asked_steps()) else { return };
    let plan = Plan { people: 3, kills: false, raw: number("TOGETHER_RAW").is_some() };
    let fails = |steps: &[u64]| std::panic::catch_unwind(|| walk(seed, steps, plan)).is_err();
    assert!(fails(&steps), "it does not fail");
    let mut length = steps.len().div_ceil(2);
    while length > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + length).min(steps.len()));
            if fails(&fewer) {
                steps = fewer;
            } else {
                at += length;
            }
        }
        length /= 2;
    }
    let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
    eprintln!("\nTHE FEWEST: TOGETHER_SEED={seed} TOGETHER_STEPS={},", steps.join(","));
    walk(seed, &steps.iter().filter_map(|s| s.parse().ok()).collect::<Vec<u64>>(), plan);
}

#[test]
fn one_person_alone_never_loses_a_place() {
    walks(0..2, 50, Plan { people: 1, kills: false, raw: false });
}

#[test]
fn people_who_work_together_never_lose_a_place() {
    walks(10..14, 50, Plan { people: 3, kills: false, raw: false });
}

#[test]
fn people_whose_commands_are_killed_never_lose_a_place() {
    walks(20..22, 50, Plan { people: 3, kills: true, raw: false });
}

#[test]
fn people_among_whom_somebody_commits_positions_never_lose_a_place() {
    walks(30..32, 50, Plan { people: 3, kills: false, raw: true });
}

/// The same for long: minutes to hours.
#[test]
#[ignore = "20,000 steps"]
fn people_who_work_together_for_long_never_lose_a_place() {
    walks(1000..1100, 200, Plan { people: 3, kills: true, raw: false });
}
