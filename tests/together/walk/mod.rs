//! Random walks over whole repositories: three people with git-comfy, one without, a bare
//! remote, real git; and a model that knows of each node where it must lie.
//!
//! Every drag goes to a place where that node never lay before, so that a place tells the
//! drag. One drag is after another if whoever made it saw the other one's node lie there.
//! Of what a person is sure to know, nothing may be shown that an after-drag has replaced;
//! drags that did not know of each other may go either way, but the same in every clone.

mod drags;
mod sound;
mod steps;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::time::SystemTime;

use self::drags::{Drag, Drags, GROUP, Known, Thing};
use self::steps::new_place;
use super::sheet::{DECODE, LATENT, LOADER, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::{LAYOUTS, Team};
use crate::support::Repo;

const FILES: [&str; 2] = ["a.json", "sub/b.json"];

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
    /// When each file was written.
    written: [Option<SystemTime>; 2],
    /// Places that a stale tab saved back; they are no drags.
    stale: BTreeMap<(usize, Thing), [f64; 2]>,
    /// Places in content of which nothing was known, taken from other content: they give way
    /// to whatever is known, and are told to nobody.
    guessed: BTreeMap<(usize, Thing), [f64; 2]>,
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
    /// Somebody wrote it since the last look.
    written: bool,
}

/// What is in a blob.
struct Content {
    meaning: BTreeMap<u64, String>,
    /// Its bytes, if it was committed with its positions.
    raw: Option<String>,
}

pub(super) struct Walk {
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
pub(super) struct Plan {
    pub(super) people: usize,
    pub(super) kills: bool,
    /// Whoever has no git-comfy saves from ComfyUI, positions and all.
    pub(super) raw: bool,
    /// Drags are no change for git.
    pub(super) quiet: bool,
}

const PEOPLE: [&str; 3] = ["ann", "ben", "carl"];

/// The node whose values each person edits, so that content never conflicts.
const OWN: [(u64, usize); 3] = [(SAMPLER, 2), (PROMPT, 0), (LATENT, 0)];

impl Walk {
    pub(super) fn new(seed: u64, plan: Plan) -> Walk {
        let team = Team::new();
        if plan.quiet {
            let mut git = team.world.command("git");
            git.args(["config", "--global", "comfy.quietDrags", "true"]);
            assert!(git.status().unwrap().success());
        }
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
                written: [None, None],
                stale: BTreeMap::new(),
                guessed: BTreeMap::new(),
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
            let written = self.opened(who, file, &sheet);
            let content = self.content(who, &blob);
            let edited = match &content.raw {
                Some(raw) => self.people[who].repo.text(path) != *raw,
                None => sheet.meaning() != content.meaning,
            };
            let listed = status.lines().any(|line| line.get(3..) == Some(path));
            let expected = edited || head[file].as_ref() != Some(&blob);
            assert_eq!(listed, expected, "{what}: git status says of {path}: {status:?}");
            let found = Found { sheet, blob, edited, written };
            if content.raw.is_some() {
                self.learn_raw(who, file, &found);
                continue;
            }
            self.check(who, file, &found, effect, &incoming, what);
            self.learn(who, file, &found, effect, &incoming);
        }
        assert!(status.lines().all(|l| FILES.iter().any(|f| l.ends_with(f))), "{what}: {status}");
    }

    /// A tab that was open before git wrote the file last shows what lay there then. Whether
    /// the file was written since the last look.
    fn opened(&mut self, who: usize, file: usize, sheet: &Sheet) -> bool {
        let person = &mut self.people[who];
        let written = written_at(&person.repo, FILES[file]);
        let is_written = std::mem::replace(&mut person.written[file], written) != written;
        let before = person.sheets[file].replace(sheet.clone());
        if before.as_ref() != Some(sheet) {
            // Who sees twice that old places are not taken wants them: that is a move.
            let is_stale = person.stale.keys().any(|(of, _)| *of == file);
            person.tabs[file] = before.filter(|_| !is_stale);
            person.stale.retain(|(of, _), _| *of != file);
        } else if is_written {
            // As it was, though perhaps by way of other states.
            person.tabs[file] = None;
        }
        is_written
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
            let is_guessed = person.guessed.contains_key(&(file, thing));
            let before = person.lies.get(&(file, thing)).filter(|_| !is_guessed);
            let own = person.known.of(file, &found.blob).and_then(|known| known.get(&thing));
            let own = || own.into_iter().flatten().filter(|_| !found.edited);
            match effect {
                Effect::Still => floor.extend(before),
                Effect::OtherState if same_blob && !found.edited => floor.extend(before),
                Effect::OtherState => floor.extend(own()),
                Effect::Along { hooked, .. } => {
                    floor.extend(before);
                    if *hooked || (!same_blob && found.written) {
                        floor.extend(own());
                    }
                    // What git need not write it leaves as it lies, and nobody writes what is edited.
                    let is_brought = *hooked && !found.edited;
                    let comes = !same_blob && (is_brought || found.written);
                    for blobs in incoming.iter().filter(|_| comes) {
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
                // A file that somebody edits is not written: what was arranged in it is put right
                // with its commit. Where nothing was brought in, nothing looks at other contents.
                None => {
                    let is_left = found.edited || *effect == Effect::Still;
                    let may_be_known = is_left || !known_anywhere();
                    assert!(floor.is_empty() && may_be_known, "{}", told());
                }
                Some(lies) => {
                    let better = floor.iter().find(|by| self.drags.replaced(lies, **by));
                    assert!(better.is_none(), "{}", told());
                }
            }
        }
    }

    /// What lies in a file is known from now on for the content that it has.
    fn learn(
        &mut self,
        who: usize,
        file: usize,
        found: &Found,
        effect: &Effect,
        incoming: &[[Option<String>; 2]],
    ) {
        let person = &mut self.people[who];
        let blob = match found.edited {
            false => found.blob.clone(),
            true => person.repo.git(["hash-object", "--", FILES[file]]).trim().to_owned(),
        };
        person.blobs[file] = Some(blob.clone());
        let places = things(&found.sheet);
        person.stale.retain(|(of, thing), at| *of != file || places.get(thing) == Some(at));
        person.guessed.retain(|(of, thing), at| *of != file || places.get(thing) == Some(at));
        // What was merged of contents of which nobody sent a layout is a guess, too.
        let is_along = matches!(effect, Effect::Along { .. });
        if (*effect == Effect::OtherState || is_along) && !found.edited && found.written {
            let merged = incoming.iter().filter_map(|blobs| blobs[file].as_ref());
            let contents: Vec<&String> = merged.chain([&blob]).collect();
            let is_known = |thing: &Thing| {
                let of = |blob: &&String| person.known.of(file, blob);
                let lay = is_along && person.lies.contains_key(&(file, *thing));
                lay || contents.iter().filter_map(of).any(|known| known.contains_key(thing))
            };
            let guessed: Vec<_> = places.iter().filter(|(thing, _)| !is_known(thing)).collect();
            person.guessed.extend(guessed.into_iter().map(|(thing, at)| ((file, *thing), *at)));
        }
        let stale = &person.stale;
        person.lies.retain(|(of, thing), _| *of != file || stale.contains_key(&(file, *thing)));
        for (thing, place) in places {
            let drag = match person.stale.contains_key(&(file, thing)) {
                true => person.lies.get(&(file, thing)).copied(),
                false => self.drags.at(file, thing, place),
            };
            if let Some(drag) = drag {
                person.lies.insert((file, thing), drag);
                if !person.guessed.contains_key(&(file, thing)) {
                    person.known.add(&self.drags, file, &blob, thing, drag);
                }
            }
        }
    }

    /// Places in a file that was committed with them count for nothing yet.
    fn learn_raw(&mut self, who: usize, file: usize, found: &Found) {
        let person = &mut self.people[who];
        person.blobs[file] = None;
        person.stale.retain(|(of, _), _| *of != file);
        person.guessed.retain(|(of, _), _| *of != file);
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

    /// Somebody's notes are on the remote, and whoever had something to send has what was
    /// there.
    #[track_caller]
    fn shared(&mut self, who: usize) {
        self.note_head(who);
        let person = &mut self.people[who];
        let (ours, theirs) = (person.repo.id(LAYOUTS), self.team.bare.id(LAYOUTS));
        if ours == theirs {
            person.noted.join(&self.drags, &self.remote);
            person.known.join(&self.drags, &self.remote);
        } else {
            let contains = ["merge-base", "--is-ancestor", &ours, &theirs];
            let is_sent = self.team.bare.try_git(contains).status.success();
            assert!(is_sent, "{}: notes stayed here: {:?}", person.name, self.steps.last());
        }
        self.remote.join(&self.drags, &person.noted);
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

    /// Has every file looked into. `git status` does not where a size already tells it that a
    /// file was edited, and nobody can know of a drag that was written over before a look.
    fn have_seen(&self, who: usize) {
        for path in FILES {
            self.git(who, &["hash-object", "--", path]);
        }
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
        if discards {
            self.have_seen(who);
        }
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
}

fn written_at(repo: &Repo, path: &str) -> Option<SystemTime> {
    repo.path.join(path).metadata().and_then(|about| about.modified()).ok()
}

fn put(sheet: &mut Sheet, thing: Thing, place: [f64; 2]) {
    // Whole numbers as ComfyUI writes them.
    let number = |number: f64| match number.fract() {
        0.0 => serde_json::json!(number as i64),
        _ => serde_json::json!(number),
    };
    let [x, y] = place.map(number);
    match thing {
        GROUP => sheet.value()["groups"][0]["bounding"] = serde_json::json!([x, y, 400, 400]),
        id => sheet.node_mut(id)["pos"] = serde_json::json!([x, y]),
    }
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
