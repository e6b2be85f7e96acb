//! This machine as a recorder sees it: the settings, the ComfyUI that was found, its
//! server, and what is remembered of it.

use std::cell::OnceCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use comfy_graph::catalog::Catalog;
use comfy_graph::json;

use crate::platform::files::{expand_home, read_up_to};
use crate::platform::git;
use crate::platform::git::config::parse_bool;
use crate::platform::git::foreign_checkout::Checkout;
use crate::platform::git::{Repository, changes, foreign_checkout};
use crate::platform::machine::comfyui;
use crate::platform::machine::comfyui::gpu::Gpus;
use crate::platform::machine::comfyui::{Installation, InstallationClues, gpu};
use crate::platform::machine::hash::cache::HashCache;
use crate::platform::machine::node_catalog::{self, CatalogPart};
use crate::platform::machine::server::{
    AddressSource, ComfyServer, ServerAddress, ServerError, SystemStats,
};
use crate::platform::time;
use crate::records::machine_evidence::{CheckoutReader, ClassModules, MachineView};
use crate::records::recorder_state::RecorderState;
use crate::session::Session;

/// The largest table of a server's classes that a hook reads, in bytes: more would be felt.
const MAX_HOOK_CLASSES: u64 = 3 << 20;
/// The largest one anybody reads.
const MAX_CLASSES: u64 = 128 << 20;

/// How long a look may take, by who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeBudget {
    /// A git command: what cannot be had at once comes later.
    Hook,
    /// A person who asked, or the worker, for which nobody waits.
    Full,
}

impl TimeBudget {
    fn server_timeout(self) -> Duration {
        match self {
            // git waits for the hook: a server that is slower is asked by the worker.
            TimeBudget::Hook => Duration::from_millis(12),
            TimeBudget::Full => Duration::from_secs(5),
        }
    }
}

/// The settings under `comfy.` that say where things are.
#[derive(Debug, Clone, Default)]
pub(crate) struct LocationSettings {
    /// `comfy.record` is off: commits are not recorded.
    pub(crate) recording_off: bool,
    root: Option<PathBuf>,
    base_directory: Option<PathBuf>,
    extra_model_paths: Vec<PathBuf>,
    model_roots: Vec<PathBuf>,
    server: Option<String>,
}

impl LocationSettings {
    /// Reads the settings; only the person's own configuration has any.
    pub(crate) fn load(
        session: &Session,
        repository: &Repository,
    ) -> git::Result<LocationSettings> {
        let mut settings = LocationSettings::default();
        let home = session.environment.home.as_deref();
        for (name, value) in repository.settings("comfy.")? {
            let path = || expand_path(&value, home, repository);
            match name.as_str() {
                "comfy.record" => {
                    settings.recording_off = parse_bool(&value) == Some(false);
                }
                "comfy.root" => settings.root = path(),
                "comfy.basedirectory" => settings.base_directory = path(),
                "comfy.extramodelpaths" => settings.extra_model_paths.extend(path()),
                "comfy.modelroot" => settings.model_roots.extend(path()),
                "comfy.server" => settings.server = Some(value),
                _ => {}
            }
        }
        Ok(settings)
    }

    /// Asks this server, whatever the settings say.
    pub(crate) fn set_server(&mut self, server: &ServerAddress) {
        self.server = Some(server.authority());
    }

    /// What `comfy.server` says.
    pub(crate) fn server(&self) -> Result<ConfiguredServer, ServerError> {
        ConfiguredServer::parse(self.server.as_deref().unwrap_or_default())
    }
}

/// The server that a person names with `comfy.server` or `--server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfiguredServer {
    /// None is to be asked.
    Off,
    Address(ServerAddress),
}

impl ConfiguredServer {
    /// An empty text is this machine's usual server.
    pub(crate) fn parse(text: &str) -> Result<ConfiguredServer, ServerError> {
        if text.is_empty() {
            return Ok(ConfiguredServer::Address(ServerAddress::default_local()));
        }
        if text.eq_ignore_ascii_case("none") || parse_bool(text) == Some(false) {
            return Ok(ConfiguredServer::Off);
        }
        ServerAddress::parse(text, AddressSource::Person).map(ConfiguredServer::Address)
    }
}

/// A path of the configuration as git reads one: `~` is the home folder, a relative one
/// begins at the top of the work tree.
pub(crate) fn expand_path(
    text: &str,
    home: Option<&Path>,
    repository: &Repository,
) -> Option<PathBuf> {
    let base = repository.work_tree().unwrap_or(repository.git_dir());
    (!text.is_empty()).then(|| base.join(expand_home(text, home)))
}

/// What the server said of itself, or why it said nothing.
#[derive(Debug)]
pub(crate) enum ServerAnswer {
    /// Nobody listens, or none is to be asked.
    NotRunning,
    /// It did not answer in time, or strangely.
    Failed(ServerError),
    Answered(Box<SystemStats>),
}

/// Reads the checkouts of other folders with git.
#[derive(Debug)]
struct GitCheckoutReader;

impl CheckoutReader for GitCheckoutReader {
    fn checkout(&self, folder: &Path) -> Option<Checkout> {
        foreign_checkout::read_checkout(folder)
    }

    fn remote(&self, folder: &Path) -> Option<String> {
        foreign_checkout::shareable_origin(folder)
    }

    fn branch(&self, folder: &Path) -> Option<String> {
        foreign_checkout::current_branch(folder)
    }

    fn has_commit(&self, folder: &Path, commit: &str) -> bool {
        foreign_checkout::has_commit(folder, commit)
    }
}

/// What is known of this machine while a record is made.
pub(crate) struct MachineState {
    pub(crate) time_budget: TimeBudget,
    pub(crate) installation: Option<Installation>,
    pub(crate) server_answer: ServerAnswer,
    pub(crate) address: Option<ServerAddress>,
    pub(crate) gpus: Gpus,
    pub(crate) cache: HashCache,
    pub(crate) recorder_state: RecorderState,
    /// This clone's id in records.
    pub(crate) machine_id: String,
    /// When this machine was looked at, as records spell it.
    pub(crate) seen_at: String,
    core_catalog: Catalog,
    learned_classes: OnceCell<LearnedClasses>,
}

/// What a server that ran once told of node classes.
#[derive(Default)]
pub(crate) struct LearnedClasses {
    pub(crate) catalog: Catalog,
    pub(crate) modules: ClassModules,
    /// The remembered answer is larger than may be read now.
    pub(crate) too_large: bool,
}

impl MachineState {
    /// Finds ComfyUI, and asks its server, for no longer than `patience` allows.
    pub(crate) fn detect(
        session: &Session,
        repository: &Repository,
        settings: &LocationSettings,
        time_budget: TimeBudget,
    ) -> MachineState {
        let state = repository.state_dir();
        let recorder_state = RecorderState::new(&state);
        let server = query_configured_server(settings, time_budget);
        let variable = |name: &str| session.environment.variable(name);
        let installation = comfyui::find_installation(&InstallationClues {
            root: settings.root.clone(),
            base_directory: settings.base_directory.clone(),
            extra_model_paths: settings.extra_model_paths.clone(),
            model_roots: settings.model_roots.clone(),
            repository: Some(repository.work_tree().unwrap_or(&session.cwd).to_path_buf()),
            home: session.environment.home.clone(),
            settings: session.environment.settings_folders(),
            server: server.model_folders.as_deref(),
            variable: &variable,
            from_repository: &|path| changes::is_tracked(repository, path),
        });
        MachineState {
            time_budget,
            installation,
            server_answer: server.answer,
            address: server.address,
            gpus: gpu::detect_gpus(Path::new("/")),
            cache: HashCache::in_folder(&state),
            machine_id: recorder_state.machine_id(),
            recorder_state,
            seen_at: time::now_utc_seconds(),
            core_catalog: Catalog::core(),
            learned_classes: OnceCell::new(),
        }
    }

    /// Hands `work` a view of this machine that knows the modules of classes.
    pub(crate) fn with_view<T>(
        &self,
        modules: &ClassModules,
        work: impl FnOnce(&MachineView<'_>) -> T,
    ) -> T {
        work(&MachineView {
            installation: self.installation.as_ref(),
            server: self.server_stats(),
            class_modules: modules,
            gpus: &self.gpus,
            cache: &self.cache,
            pack_cache_folder: Some(self.recorder_state.folder()),
            checkouts: &GitCheckoutReader,
            seen_at: &self.seen_at,
        })
    }

    /// What the server says of itself, if it is the one of the installation (or there is
    /// no installation to contradict it).
    fn server_stats(&self) -> Option<&SystemStats> {
        let ServerAnswer::Answered(stats) = &self.server_answer else { return None };
        let other = self
            .installation
            .as_ref()
            .is_some_and(|found| found.server == comfyui::ServerMatch::No);
        (!other).then_some(stats.as_ref())
    }

    /// The built-in classes.
    pub(crate) fn core_catalog(&self) -> &Catalog {
        &self.core_catalog
    }

    /// The built-in classes and those a server once told.
    pub(crate) fn learned_classes(&self) -> &LearnedClasses {
        self.learned_classes.get_or_init(|| {
            let path = CatalogPart::Server.file(self.recorder_state.folder());
            let limit = match self.time_budget {
                TimeBudget::Hook => MAX_HOOK_CLASSES,
                TimeBudget::Full => MAX_CLASSES,
            };
            let bytes = match read_up_to(&path, limit) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let too_large = error.kind() == io::ErrorKind::FileTooLarge;
                    return LearnedClasses { too_large, ..LearnedClasses::default() };
                }
            };
            let mut catalog = Catalog::with_table(&String::from_utf8_lossy(&bytes));
            if let Some(found) = &self.installation {
                let lists = found.folders.list_files().into_iter();
                let names = |names: Vec<String>| names.into_iter().map(Into::into).collect();
                let listing = lists.map(|(kind, files)| (kind.into(), names(files))).collect();
                catalog.learn_folders(&listing);
            }
            let modules = catalog.server_modules().filter(|(_, module)| !module.is_empty());
            let modules =
                modules.map(|(class, module)| (class.to_owned(), module.to_owned())).collect();
            LearnedClasses { catalog, modules, too_large: false }
        })
    }

    /// Keeps what the running server tells of node classes. Gives whether it could.
    pub(crate) fn fetch_object_info(&self, repository: &Repository) -> bool {
        let (Some(address), Some(_)) = (&self.address, self.server_stats()) else { return false };
        let server = ComfyServer::new(address.clone(), Duration::from_secs(60));
        let Ok(bytes) = server.object_info() else { return false };
        let Ok(answer) = json::parse_lenient(&bytes) else { return false };
        node_catalog::keep_server_classes(repository, &answer).is_ok_and(|table| !table.is_empty())
    }
}

type ServerModelFolders = Vec<(String, Vec<PathBuf>)>;

/// What came of asking a server.
struct ServerQuery {
    /// The server that was asked; none: none is to be asked, or its address is none.
    address: Option<ServerAddress>,
    answer: ServerAnswer,
    /// Only of a server on this machine: folders of another one mean nothing here.
    model_folders: Option<ServerModelFolders>,
}

fn query_configured_server(settings: &LocationSettings, time_budget: TimeBudget) -> ServerQuery {
    let unasked = |answer| ServerQuery { address: None, answer, model_folders: None };
    match settings.server() {
        Ok(ConfiguredServer::Off) => unasked(ServerAnswer::NotRunning),
        Err(error) => unasked(ServerAnswer::Failed(error)),
        Ok(ConfiguredServer::Address(address)) if address == ServerAddress::default_local() => {
            let usual = query_server(address, time_budget);
            if !matches!(usual.answer, ServerAnswer::NotRunning) {
                return usual;
            }
            // On that port many other programs listen: only a proper answer counts.
            let desktop = query_server(ServerAddress::desktop_app(), time_budget);
            if matches!(desktop.answer, ServerAnswer::Answered(_)) { desktop } else { usual }
        }
        Ok(ConfiguredServer::Address(address)) => query_server(address, time_budget),
    }
}

fn query_server(address: ServerAddress, time_budget: TimeBudget) -> ServerQuery {
    let server = ComfyServer::new(address.clone(), time_budget.server_timeout());
    let (answer, model_folders) = match server.system_stats() {
        Ok(stats) => {
            let is_local = address.is_on_this_machine();
            let folders = if is_local { list_model_folders(&server) } else { None };
            (ServerAnswer::Answered(Box::new(stats)), folders)
        }
        Err(error) if error.is_unreachable() => (ServerAnswer::NotRunning, None),
        Err(error) => (ServerAnswer::Failed(error), None),
    };
    ServerQuery { address: Some(address), answer, model_folders }
}

/// The model folders a server lists. Not every version tells them in the first place.
fn list_model_folders(server: &ComfyServer) -> Option<ServerModelFolders> {
    server.folder_paths().ok().or_else(|| {
        let types = server.model_types().ok()?;
        Some(types.into_iter().map(|kind| (kind.name, kind.folders)).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_turned_off_as_any_setting_is() {
        for text in ["off", "No", "FALSE", "none", "0"] {
            assert_eq!(ConfiguredServer::parse(text).unwrap(), ConfiguredServer::Off, "{text}");
        }
        let address = |text: &str| match ConfiguredServer::parse(text) {
            Ok(ConfiguredServer::Address(address)) => address.authority(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(address(""), "127.0.0.1:8188");
        assert_eq!(address("host:8000"), "host:8000");
        assert!(ConfiguredServer::parse("https://host").is_err());
    }
}
