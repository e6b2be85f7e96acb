//! The client of a running ComfyUI, against a real HTTP server.

use std::time::Duration;

use git_comfy::internals::platform::server::{
    AddressSource, ComfyServer as Client, ServerAddress, ServerError,
};

use crate::support::server::{Answer, Server};
use crate::support::shared_data;

fn client(server: &Server) -> Client {
    client_of(&server.address(), Duration::from_secs(20))
}

fn client_of(address: &str, patience: Duration) -> Client {
    Client::new(ServerAddress::parse(address, AddressSource::Default).unwrap(), patience)
}

#[test]
fn a_real_servers_answers_are_understood() {
    let Some(data) = shared_data() else { return };
    let server = Server::captured(&data);
    let client = client(&server);
    let stats = client.system_stats().unwrap();
    assert_eq!(stats.system.comfyui_version.as_deref(), Some("0.33.0"));
    assert_eq!(stats.devices[0].kind, "cpu");
    let folders = client.folder_paths().unwrap();
    let diffusion = folders.iter().find(|(kind, _)| kind == "diffusion_models").unwrap();
    assert!(diffusion.1[0].ends_with("models/unet"), "the order is the server's");
    let types = client.model_types().unwrap();
    assert!(types.iter().any(|kind| kind.name == "loras" && kind.extensions.len() == 8));
    assert!(client.object_info().unwrap().len() > 1_000_000);
    assert!(!client.history(200).unwrap().is_empty());
}

#[test]
fn another_program_on_the_port_is_no_comfyui() {
    let server = Server::new([
        ("/system_stats", Answer::Json(b"<html>hello</html>".to_vec())),
        ("/object_info", Answer::Json(b"[1, 2]".to_vec())),
    ]);
    let client = client(&server);
    assert!(matches!(client.system_stats(), Err(ServerError::Answer { .. })));
    assert!(matches!(client.object_info(), Err(ServerError::Answer { .. })));
    assert!(matches!(client.folder_paths(), Err(ServerError::Request { .. })));
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Server::new([("/system_stats", Answer::Json(b"{\"system\":{}}".to_vec()))]);
    let target = format!("http://{}/system_stats", elsewhere.address());
    let server = Server::new([("/system_stats", Answer::Redirect(target))]);
    assert!(client(&server).system_stats().is_err());
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn what_is_sent_goes_nowhere_else() {
    let elsewhere = Server::new([("/prompt", Answer::Json(b"{}".to_vec()))]);
    let target = format!("http://{}/prompt", elsewhere.address());
    let server = Server::new([("/prompt", Answer::Redirect(target))]);
    let answer = client(&server).post("/prompt", "application/json", b"{\"prompt\":{}}");
    assert!(answer.map_or(true, |(status, _)| status != 200));
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn silence_and_floods_end() {
    let server =
        Server::new([("/system_stats", Answer::Silence), ("/object_info", Answer::Endless)]);
    let client = client_of(&server.address(), Duration::from_millis(300));
    assert!(matches!(client.system_stats(), Err(ServerError::Request { .. })));
    assert!(matches!(client.object_info(), Err(ServerError::Request { .. })));
    // Nobody listens.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let gone = client_of(&free.to_string(), Duration::from_secs(5));
    assert!(matches!(gone.system_stats(), Err(ServerError::Request { .. })));
}
