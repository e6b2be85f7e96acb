//! Several people, one truth about where nodes lie: named cases, and random walks over
//! whole repositories.

mod cases;
mod model;
mod sheet;
mod team;
