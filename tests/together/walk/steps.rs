//! What people do: one step of a walk after another.

use std::process::Stdio;
use std::time::Duration;

use super::super::sheet::{NEGATIVE, PROMPT, Sheet};
use super::drags::{GROUP, Thing};
use super::sound::{remove_locks, remove_merge_files};
use super::{Effect, FILES, OWN, PEOPLE, Plan, Random, Walk, put, things, written_at};

impl Walk {
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
                sheet.add(id, place.map(|number| number as i64), [200, 100]);
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
                if let Some(drag) = self.drags.at(file, thing, place) {
                    self.people[who].lies.insert((file, thing), drag);
                }
                told.push(format!("{thing} to {place:?}"));
            }
        }
        let size_before = self.people[who].repo.text(FILES[file]).len();
        sheet.write(&self.people[who].repo, FILES[file]);
        let is_resized = self.people[who].repo.text(FILES[file]).len() != size_before;
        self.people[who].sheets[file] = Some(sheet.clone());
        self.people[who].written[file] = written_at(&self.people[who].repo, FILES[file]);
        if content {
            self.people[who].blobs[file] = None;
        }
        let number = self.steps.len();
        let name = self.people[who].name;
        self.steps.push(format!("{number}: {name}: saved {}: {}", FILES[file], told.join(", ")));
        let what = self.steps.last().cloned().unwrap_or_default();
        if is_resized && !content {
            // By its size alone git takes it for changed: what was nudged is a little longer.
            self.run(who, &["comfy", "refresh"]);
        }
        // Now and then the next command is the first to look at it.
        if self.random.percent(70) {
            self.look(who, &Effect::Still, &what);
        }
    }

    /// A tab that was opened before git wrote the file is saved: its places, where it shows the
    /// content that the file has, so that no content is undone.
    fn save_from_stale_tab(&mut self, who: usize) {
        let file = self.random.below(FILES.len());
        let Some(mut tab) = self.people[who].tabs[file].take() else { return };
        // What nobody looked at before it was written over nobody can know.
        self.have_seen(who);
        let mut sheet = Sheet::read(&self.people[who].repo, FILES[file]);
        if tab.meaning() != sheet.meaning() {
            return;
        }
        let here = things(&sheet);
        let mut told = Vec::new();
        for (thing, [x, y]) in things(&tab) {
            let known = self.drags.at(file, thing, [x, y]).is_some();
            if known && here.get(&thing).is_some_and(|here| *here != [x, y]) {
                put(&mut sheet, thing, [x, y]);
                if thing != GROUP {
                    sheet.node_mut(thing)["size"] = tab.node_mut(thing)["size"].clone();
                }
                self.people[who].stale.insert((file, thing), [x, y]);
                told.push(format!("{thing} at {x},{y}"));
            }
        }
        let told = told.join(", ");
        self.save_rearranged(who, file, sheet, &format!("from a stale tab: {told}"));
        if !told.is_empty() && self.random.percent(50) {
            self.set_back_again(who, file);
        }
    }

    /// A command that writes files anew shows that what a stale tab saved did not count. Who
    /// sets it back a second time has seen that, and wants it.
    fn set_back_again(&mut self, who: usize, file: usize) {
        let places: Vec<(Thing, [f64; 2])> = self.people[who]
            .stale
            .iter()
            .filter(|((of, _), _)| *of == file)
            .map(|((_, thing), place)| (*thing, *place))
            .collect();
        let is_edited = self.is_edited(who);
        let command = self.random.of(&[&["comfy", "status"], &["comfy", "refresh"]]);
        self.run(who, command);
        let what = self.steps.last().cloned().unwrap_or_default();
        self.look(who, &Effect::Still, &what);
        let is_shown = self.people[who].stale.keys().any(|(of, _)| *of == file);
        // In a file that was edited nothing is written.
        assert!(!is_shown || is_edited, "{what}: {} shows what nobody gets", FILES[file]);
        if is_edited || self.random.percent(50) {
            return;
        }
        let mut sheet = Sheet::read(&self.people[who].repo, FILES[file]);
        let mut told = Vec::new();
        for (thing, [x, y]) in places {
            let place = [x + NUDGE, y];
            put(&mut sheet, thing, place);
            let before = self.people[who].lies.get(&(file, thing)).copied();
            self.drags.make(file, thing, place, before, PEOPLE[who]);
            if let Some(drag) = self.drags.at(file, thing, place) {
                self.people[who].lies.insert((file, thing), drag);
            }
            told.push(format!("{thing} to {place:?}"));
        }
        self.save_rearranged(who, file, sheet, &format!("set back again: {}", told.join(", ")));
        self.run(who, command);
        let what = self.steps.last().cloned().unwrap_or_default();
        self.look(who, &Effect::Still, &what);
    }

    /// Saves a file in which only nodes were moved, and looks.
    fn save_rearranged(&mut self, who: usize, file: usize, sheet: Sheet, how: &str) {
        let repo = &self.people[who].repo;
        let is_as_long = sheet.text().len() == repo.text(FILES[file]).len();
        sheet.write(repo, FILES[file]);
        if !is_as_long {
            // Where a size tells git that a file was edited it does not look into it.
            repo.comfy(["refresh"]);
        }
        let written = written_at(repo, FILES[file]);
        self.people[who].sheets[file] = Some(sheet);
        self.people[who].written[file] = written;
        let (number, name) = (self.steps.len(), self.people[who].name);
        self.steps.push(format!("{number}: {name}: saved {} {how}", FILES[file]));
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
    pub(super) fn pulled(&mut self, who: usize, arguments: &[&str], plain: bool) -> bool {
        let tip = self.team.bare.id("main");
        let head = self.head(who);
        let succeeded = self.run(who, arguments);
        let what = self.steps.last().cloned().unwrap_or_default();
        // What comes is there before files are written, or put right by the hooks; a rebase that
        // is refused fetches nothing.
        if plain && !what.contains("cannot pull with rebase") {
            self.fetched(who);
        }
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
        // Where nothing came, no hook ran that would ask for layouts.
        let effect = match self.head(who) == head {
            true => Effect::Still,
            false => {
                for revision in ["HEAD", &tip].into_iter().filter(|_| !plain) {
                    self.fetched_missing(who, revision);
                }
                Effect::Along { from: vec![tip], hooked: true }
            }
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
        self.have_seen(who);
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
        remove_merge_files(&self.people[who].repo.path);
        remove_locks(&self.team.bare.path);
        self.give_up(who);
        self.run(who, &["reset", "-q", "--hard"]);
        let what = self.steps.last().cloned().unwrap_or_default();
        self.look(who, &Effect::OtherState, &what);
    }

    #[cfg(not(unix))]
    fn kill(&mut self, _who: usize) {}

    /// The step of that number, whatever was before.
    pub(in super::super) fn step(&mut self, number: u64, plan: Plan) {
        self.random = Random(self.seed.wrapping_mul(1 << 32) + number);
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
    pub(in super::super) fn settle(&mut self) {
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
}

/// Too little to count as moved.
const NUDGE: f64 = 0.005;

/// A place where that thing never lay, in a column of its own: things never overlap, and
/// every file keeps its size.
pub(super) fn new_place(places: &mut i64, thing: Thing) -> [f64; 2] {
    let column = match thing {
        GROUP => 6,
        3..=8 => thing as i64 - 3,
        _ => thing as i64 - 20 + 7,
    };
    *places += 1;
    let (x, y) = (*places % 70, (*places * 37) % 8999);
    [1000 + 500 * column + x, 1000 + y].map(|number| number as f64)
}
