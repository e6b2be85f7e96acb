//! A layout, and which of its places are which of a content's.

use comfy_graph::clean::{Clock, ClockedLayout, LayoutRelation, LayoutSource, PlaceMatches};
use comfy_graph::{clean, diff, json};

/// A layout, and which of its places are which of the content's.
#[derive(Debug)]
pub(crate) struct LayoutPart {
    pub(super) layout: ClockedLayout,
    pub(super) pairs: OwnedPairs,
}

#[derive(Debug)]
pub(super) enum OwnedPairs {
    SameContent,
    ById,
    Matched(PlaceMatches),
}

impl OwnedPairs {
    /// As the nodes of two contents are paired.
    pub(super) fn between(before: &[u8], content: &[u8]) -> OwnedPairs {
        let matched = || diff::match_nodes(json::parse(before).ok()?, json::parse(content).ok()?);
        matched().map_or(OwnedPairs::ById, OwnedPairs::Matched)
    }
}

impl LayoutPart {
    /// A layout of one content as it belongs to another.
    pub(crate) fn between(layout: ClockedLayout, before: &[u8], content: &[u8]) -> LayoutPart {
        LayoutPart { layout, pairs: OwnedPairs::between(before, content) }
    }

    /// Forgets places without clocks that another layout knows.
    pub(crate) fn forget_unclocked_places(&mut self, known: LayoutSource<'_>) {
        let places = clean::unclocked_places_known_to(self.source(), known);
        self.layout.forget_places(&places);
    }

    /// It came with a file that was committed without git-comfy.
    pub(super) fn is_unclocked(&self) -> bool {
        self.layout.saved() == Clock::Unknown(0)
    }

    /// The layout, and how it belongs to the content.
    pub(crate) fn source(&self) -> LayoutSource<'_> {
        let pairs = match &self.pairs {
            OwnedPairs::SameContent => LayoutRelation::SameContent,
            OwnedPairs::ById => LayoutRelation::ById,
            OwnedPairs::Matched(matches) => LayoutRelation::Matched(matches),
        };
        LayoutSource { layout: &self.layout, relation: pairs }
    }
}
