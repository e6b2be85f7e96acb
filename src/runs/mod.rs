//! Runs and the images they made: kept, indexed, found, restored.

pub mod bridge;
pub mod comfy_cli_log;
pub mod comfy_client;
pub mod commands;
pub mod index;
pub mod live_runs;
pub mod machine_facts;
pub mod media_file;
pub mod output_folders;
pub mod parallel_reader;
pub mod pick_up;
pub mod queue_observer;
pub mod queue_session;
pub mod run_batch;
pub mod run_branches;
pub mod run_data;
pub mod run_store;
pub mod runs_ref;
pub mod server_queries;
pub mod source_of_picture;
pub mod text;
pub mod websocket;
