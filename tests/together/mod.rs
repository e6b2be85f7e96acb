//! Several people, one truth about where nodes lie: named cases, and random walks over
//! whole repositories.

mod arranged;
mod arriving;
mod harmless;
mod history;
mod joining;
mod later;
mod notes;
mod raw_moves;
mod renames;
mod sheet;
mod team;
mod walk;
mod walks;
