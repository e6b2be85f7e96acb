//! This machine as a recorder sees it: the settings, the ComfyUI that was found, its
//! server, and what is remembered of it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use comfy_graph::catalog::Catalog;
use comfy_graph::json;

use crate::platform::git;
use crate::platform::git::checkout::Checkout;
use crate::platform::git::{Repository, changes, checkout};
use crate::platform::machine::comfyui;
use crate::platform::machine::comfyui::gpu::Gpus;
use crate::platform::machine::comfyui::{Clues, Installation, gpu};
use crate::platform::machine::hash::cache::HashCache;
use crate::platform::machine::server::{
    Address, Error as ServerError, NamedBy, Server, SystemStats,
};
use crate::records::look::{Look, Modules, Repositories};
use crate::records::recorder_state::Desk;
use crate::session::Session;

/// The largest remembered `/object_info` a hook reads, in bytes: more would be felt.
const QUICK_CATALOG: u64 = 3 << 20;
/// The largest one anybody reads.
const LARGEST_CATALOG: u64 = 128 << 20;

/// How long a look may take, by who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// A git command: what cannot be had at once comes later.
    Hook,
    /// A person who asked, or the worker, for which nobody waits.
    Whole,
}

impl Patience {
    fn server(self) -> Duration {
        match self {
            // git waits for the hook: a server that is slower is asked by the worker.
            Patience::Hook => Duration::from_millis(12),
            Patience::Whole => Duration::from_secs(5),
        }
    }
}

/// The settings under `comfy.` that say where things are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// `comfy.record` is off: commits are not recorded.
    pub(crate) off: bool,
    root: Option<PathBuf>,
    base_directory: Option<PathBuf>,
    extra_model_paths: Vec<PathBuf>,
    model_roots: Vec<PathBuf>,
    server: Option<String>,
}

impl Places {
    /// Reads the settings; only the person's own configuration has any.
    pub(crate) fn of(session: &Session, repository: &Repository) -> git::Result<Places> {
        let mut places = Places::default();
        let home = session.environment.home.as_deref();
        for (name, value) in repository.settings("comfy.")? {
            let path = || path(&value, home, repository);
            match name.as_str() {
                "comfy.record" => {
                    places.off = ["false", "no", "off", "0"].contains(&value.as_str());
                }
                "comfy.root" => places.root = path(),
                "comfy.basedirectory" => places.base_directory = path(),
                "comfy.extramodelpaths" => places.extra_model_paths.extend(path()),
                "comfy.modelroot" => places.model_roots.extend(path()),
                "comfy.server" => places.server = Some(value),
                _ => {}
            }
        }
        Ok(places)
    }

    /// Asks this server, whatever the settings say.
    pub(crate) fn ask(&mut self, server: &Address) {
        self.server = Some(server.authority());
    }

    /// The server to ask; none when the person wants none asked.
    fn address(&self) -> Option<Result<Address, ServerError>> {
        match self.server.as_deref() {
            None | Some("") => Some(Ok(Address::usual())),
            Some("off" | "false" | "none") => None,
            Some(text) => Some(Address::parse(text, NamedBy::Person)),
        }
    }
}

/// A path of the configuration as git reads one: `~` is the home folder, a relative one
/// begins at the top of the work tree.
fn path(text: &str, home: Option<&Path>, repository: &Repository) -> Option<PathBuf> {
    let path = match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ if text == "~" => home?.to_owned(),
        _ if text.is_empty() => return None,
        _ => PathBuf::from(text),
    };
    let base = repository.work_tree().unwrap_or(repository.git_dir());
    Some(base.join(path))
}

/// What the server said of itself, or why it said nothing.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Nobody listens, or none is to be asked.
    Nobody,
    /// It did not answer in time, or strangely.
    Silent(ServerError),
    /// It answered.
    Told(Box<SystemStats>),
}

/// Reads the checkouts of other folders with git.
#[derive(Debug)]
struct Git;

impl Repositories for Git {
    fn checkout(&self, folder: &Path) -> Option<Checkout> {
        checkout::checkout(folder)
    }

    fn remote(&self, folder: &Path) -> Option<String> {
        checkout::origin(folder)
    }

    fn branch(&self, folder: &Path) -> Option<String> {
        checkout::branch(folder)
    }

    fn has(&self, folder: &Path, commit: &str) -> bool {
        checkout::has(folder, commit)
    }
}

/// What is known of this machine while a record is made.
pub(crate) struct Here {
    pub(crate) patience: Patience,
    pub(crate) installation: Option<Installation>,
    pub(crate) asked: Asked,
    pub(crate) address: Option<Address>,
    pub(crate) gpus: Gpus,
    pub(crate) cache: HashCache,
    pub(crate) desk: Desk,
    /// This clone's id in records.
    pub(crate) machine: String,
    /// When this machine was looked at, as records spell it.
    pub(crate) at: String,
    core: Catalog,
    learned: OnceCell<Learned>,
}

/// What `object_info.json` says of node classes: the answer of a server that ran once.
#[derive(Default)]
pub(crate) struct Learned {
    pub(crate) catalog: Catalog,
    pub(crate) modules: Modules,
    /// The remembered answer is larger than may be read now.
    pub(crate) skipped: bool,
}

impl Here {
    /// Finds ComfyUI, and asks its server, for no longer than `patience` allows.
    pub(crate) fn look_around(
        session: &Session,
        repository: &Repository,
        places: &Places,
        patience: Patience,
    ) -> Here {
        let state = repository.state_dir();
        let desk = Desk::within(&state);
        let (address, asked, folders) = ask(places, patience);
        let variable = |name: &str| session.environment.variable(name);
        let installation = comfyui::find(&Clues {
            root: places.root.clone(),
            base_directory: places.base_directory.clone(),
            extra_model_paths: places.extra_model_paths.clone(),
            model_roots: places.model_roots.clone(),
            repository: Some(repository.work_tree().unwrap_or(&session.cwd).to_path_buf()),
            home: session.environment.home.clone(),
            settings: session.environment.settings_folders(),
            server: folders.as_deref(),
            variable: &variable,
            from_repository: &|path| changes::is_tracked(repository, path),
        });
        Here {
            patience,
            installation,
            asked,
            address,
            gpus: gpu::look(Path::new("/")),
            cache: HashCache::within(&state),
            machine: desk.machine(),
            desk,
            at: now(),
            core: Catalog::core(),
            learned: OnceCell::new(),
        }
    }

    /// Hands `work` a view of this machine that knows the modules of classes.
    pub(crate) fn look<T>(&self, modules: &Modules, work: impl FnOnce(&Look<'_>) -> T) -> T {
        work(&Look {
            installation: self.installation.as_ref(),
            server: self.stats(),
            modules,
            gpus: &self.gpus,
            cache: &self.cache,
            folder: Some(self.desk.folder()),
            repositories: &Git,
            at: &self.at,
        })
    }

    /// What the server says of itself, if it is the one of the installation (or there is
    /// no installation to contradict it).
    fn stats(&self) -> Option<&SystemStats> {
        let Asked::Told(stats) = &self.asked else { return None };
        let other = self
            .installation
            .as_ref()
            .is_some_and(|found| found.server == comfyui::ServerAgrees::No);
        (!other).then_some(stats.as_ref())
    }

    /// The built-in classes.
    pub(crate) fn core(&self) -> &Catalog {
        &self.core
    }

    /// The built-in classes and those a server once told.
    pub(crate) fn learned(&self) -> &Learned {
        self.learned.get_or_init(|| {
            let path = self.desk.folder().join("object_info.json");
            let limit = match self.patience {
                Patience::Hook => QUICK_CATALOG,
                Patience::Whole => LARGEST_CATALOG,
            };
            let Ok(metadata) = path.metadata() else { return Learned::default() };
            if metadata.len() > limit {
                return Learned { skipped: true, ..Learned::default() };
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            let Ok(answer) = json::parse_lenient(&bytes) else { return Learned::default() };
            let mut catalog = Catalog::with_object_info(&answer);
            if let Some(found) = &self.installation {
                let lists = found.folders.listing().into_iter();
                let names = |names: Vec<String>| names.into_iter().map(Into::into).collect();
                let listing = lists.map(|(kind, files)| (kind.into(), names(files))).collect();
                catalog.learn_folders(&listing);
            }
            let classes = answer.as_object().into_iter().flat_map(json::Object::iter);
            let module =
                |value: &json::Value| Some(value.get("python_module")?.as_str()?.to_owned());
            let modules = classes
                .filter_map(|(class, info)| Some((class.to_string(), module(info)?)))
                .collect();
            Learned { catalog, modules, skipped: false }
        })
    }

    /// Keeps what the running server tells of node classes. Gives whether it could.
    pub(crate) fn learn(&self) -> bool {
        let (Some(address), Some(_)) = (&self.address, self.stats()) else { return false };
        let server = Server::new(address.clone(), Duration::from_secs(60));
        let Ok(bytes) = server.object_info() else { return false };
        let folder = self.desk.folder();
        let keep = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            std::io::Write::write_all(&mut file, &bytes)?;
            file.persist(folder.join("object_info.json")).map_err(|error| error.error)?;
            Ok(())
        };
        keep().is_ok()
    }
}

type Folders = Vec<(String, Vec<PathBuf>)>;

fn ask(places: &Places, patience: Patience) -> (Option<Address>, Asked, Option<Folders>) {
    match places.address() {
        None => (None, Asked::Nobody, None),
        Some(Err(error)) => (None, Asked::Silent(error), None),
        Some(Ok(address)) if address == Address::usual() => {
            let usual = ask_at(address, patience);
            if !matches!(usual.1, Asked::Nobody) {
                return usual;
            }
            // On that port many other programs listen: only a proper answer counts.
            let desktop = ask_at(Address::desktop(), patience);
            if matches!(desktop.1, Asked::Told(_)) { desktop } else { usual }
        }
        Some(Ok(address)) => ask_at(address, patience),
    }
}

fn ask_at(address: Address, patience: Patience) -> (Option<Address>, Asked, Option<Folders>) {
    let server = Server::new(address.clone(), patience.server());
    match server.system_stats() {
        Ok(stats) => {
            // Folders of another machine mean nothing here.
            let here = address.is_on_this_machine();
            let folders = if here { listed(&server) } else { None };
            (Some(address), Asked::Told(Box::new(stats)), folders)
        }
        Err(error) if error.is_nobody() => (Some(address), Asked::Nobody, None),
        Err(error) => (Some(address), Asked::Silent(error), None),
    }
}

/// The model folders a server lists. Not every version tells them in the first place.
fn listed(server: &Server) -> Option<Folders> {
    server.folder_paths().ok().or_else(|| {
        let types = server.model_types().ok()?;
        Some(types.into_iter().map(|kind| (kind.name, kind.folders)).collect())
    })
}

/// The time now, UTC to the second, as records spell it.
pub(crate) fn now() -> String {
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
