//! Prints what lies in an output file:
//! `cargo run -p comfy-media --example read picture.png`.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("name a file")?;
    let embedded = comfy_media::read(&mut File::open(file)?)?;
    println!("{:?}", embedded.container);
    for entry in &embedded.entries {
        println!("{:?}: {} bytes", entry.location, entry.text.len());
    }
    for defect in &embedded.defects {
        println!("damaged: {defect:?}");
    }
    Ok(())
}
