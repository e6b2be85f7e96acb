//! Plans how hooks are put in place and taken out: as configuration or as files.

use super::hooks::{self, Folder, HOOKS, Owner};
use super::plan::{Plan, Step};
use super::state::State;
use super::{Error, Foreign, HookStyle, Reach, Wish};
use crate::platform::git::config::{Change, Scope};
use crate::platform::git::plumbing::Version;
use crate::setup;

pub(crate) fn put(state: &State, wish: &Wish, plan: &mut Plan) -> Result<(), Error> {
    let knows = state.version >= Version::CONFIGURED_HOOKS;
    remember(state, wish, plan);
    let style = match wish.hooks.or_else(|| HookStyle::chosen(&state.config)).unwrap_or_default() {
        HookStyle::Auto if knows => HookStyle::Config,
        HookStyle::Auto => HookStyle::Files,
        chosen => chosen,
    };
    match (style, wish.reach) {
        (HookStyle::None, reach) => take(state, reach, plan),
        (HookStyle::Config, reach) => configured(state, wish, reach, plan),
        (_, Reach::Machine) => {
            plan.remarks.push(format!(
                "git {} has no hooks for all repositories at once (2.54 has): \
                 run `git comfy init` in each repository too",
                state.version
            ));
            Ok(())
        }
        (_, Reach::Repository) => as_files(state, wish, plan),
    }
}

/// Keeps the choice of style for the next run.
fn remember(state: &State, wish: &Wish, plan: &mut Plan) {
    let (Some(style), scope) = (wish.hooks, wish.reach.scope()) else { return };
    let held = state.config.in_scope(scope, HookStyle::KEY);
    let key = HookStyle::KEY.to_owned();
    let steps = match style.word() {
        Some(word) if held != [word] => {
            vec![Step::Config(scope, Change::Set { key, value: word.to_owned() })]
        }
        Some(_) => Vec::new(),
        None => forget(state, wish.reach),
    };
    plan.add("your choice of hooks is kept for the next time", steps);
}

fn forget(state: &State, reach: Reach) -> Vec<Step> {
    let held = state.config.in_scope(reach.scope(), HookStyle::KEY);
    let remove =
        |value: &str| Change::Remove { key: HookStyle::KEY.to_owned(), value: value.to_owned() };
    held.into_iter().map(|value| Step::Config(reach.scope(), remove(value))).collect()
}

fn configured(state: &State, wish: &Wish, reach: Reach, plan: &mut Plan) -> Result<(), Error> {
    if state.version < Version::CONFIGURED_HOOKS {
        plan.remarks.push(format!(
            "hooks are written to the configuration, but git {} does not read them there",
            state.version
        ));
    }
    // What the person's file says for every repository need not be said again here.
    let scope = reach.scope();
    let known = |hook: &&hooks::Hook| {
        reach == Reach::Repository
            && state.config.value(&hook.key("command")) == Some(&*hook.command(&wish.program))
            && state.config.value(&hook.key("event")) == Some(hook.event)
    };
    let missing = HOOKS.iter().filter(|hook| !known(hook));
    let steps = missing
        .flat_map(|hook| hooks::configure(hook, &wish.program, &state.config, scope))
        .collect();
    plan.add(format!("git runs git-comfy's hooks, beside any others: {}", names()), steps);
    // An earlier set-up with an older git wrote them as files; they would run twice.
    let mut before = Vec::new();
    if let (Reach::Repository, Some(place)) = (reach, &state.place) {
        let folder = Folder::find(&state.git, &place.common)?;
        before.extend(HOOKS.iter().flat_map(|hook| hooks::take(&folder.path, hook)));
    }
    plan.add("the hook files of an earlier set-up go", before);
    Ok(())
}

fn as_files(state: &State, wish: &Wish, plan: &mut Plan) -> Result<(), Error> {
    let Some(place) = &state.place else { return Ok(()) };
    let folder = Folder::find(&state.git, &place.common)?;
    let shown = state.shown(&folder.path);
    match folder.owner {
        Owner::Repository => {}
        Owner::Generated => plan.remarks.push(format!(
            "hooks go into {shown} (core.hooksPath), which another tool makes: \
             run `git comfy init` again when it has made it anew"
        )),
        Owner::Nobody => {
            plan.remarks.push(format!(
                "hooks are switched off here (core.hooksPath = {shown}); none were put in place"
            ));
            return Ok(());
        }
        Owner::Team | Owner::Elsewhere if wish.foreign == Foreign::Leave => {
            let whose = if folder.owner == Owner::Team {
                "is shared with everyone who clones this repository"
            } else {
                "is used by other repositories too"
            };
            plan.remarks.push(format!(
                "no hooks were put in place: {shown} (core.hooksPath) {whose}; \
                 `git comfy init --force` puts them there, git 2.54 needs no such file"
            ));
            return Ok(());
        }
        Owner::Team | Owner::Elsewhere => {
            plan.remarks
                .push(format!("hooks go into {shown} (core.hooksPath), which others use too"));
        }
    }
    let steps = HOOKS.iter().flat_map(|hook| hooks::put(&folder.path, hook, &wish.program));
    plan.add(format!("hooks in {shown}, beside any others: {}", names()), steps.collect());
    // This git, or another one on the machine, may read both.
    let before =
        HOOKS.iter().flat_map(|hook| hooks::unconfigure(hook, &state.config, Scope::Local));
    plan.add("the configured hooks of an earlier set-up go", before.collect());
    Ok(())
}

/// Takes out the hooks, and the choice of how they were put in place.
pub(crate) fn take_all(state: &State, reach: Reach, plan: &mut Plan) -> Result<(), Error> {
    take(state, reach, plan)?;
    plan.add("your choice of hooks", forget(state, reach));
    Ok(())
}

fn take(state: &State, reach: Reach, plan: &mut Plan) -> Result<(), Error> {
    let scope = reach.scope();
    let mut steps: Vec<_> =
        HOOKS.iter().flat_map(|hook| hooks::unconfigure(hook, &state.config, scope)).collect();
    if let (Reach::Repository, Some(place)) = (reach, &state.place) {
        let mut folders = vec![place.common.join("hooks")];
        let found = Folder::find(&state.git, &place.common)?.path;
        if !setup::same_file(&found, &folders[0]) {
            folders.push(found);
        }
        for folder in folders {
            steps.extend(HOOKS.iter().flat_map(|hook| hooks::take(&folder, hook)));
        }
    }
    plan.add("the hooks", steps);
    Ok(())
}

fn names() -> String {
    HOOKS.iter().map(|hook| hook.event).collect::<Vec<_>>().join(", ")
}
