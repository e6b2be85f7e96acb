//! Several people, one truth about where nodes lie: named cases, and random walks over
//! whole repositories.

mod arranged;
mod arriving;
mod brought;
mod groups;
mod harmless;
mod history;
mod joining;
mod later;
mod notes;
mod raw_dates;
mod raw_moves;
mod renames;
mod set_back;
mod sheet;
mod team;
mod unclocked;
mod walk;
mod walks;
