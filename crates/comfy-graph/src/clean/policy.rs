//! The table that decides, key by key, what is content, what is layout and what is
//! derived. It also fixes the order of known keys: the order in which ComfyUI writes them
//! (measured on 644 official workflows), so that a file nearly always comes back without
//! an order having to be kept.
//!
//! `docs/clean-form.md` describes it for users. Must not know how values are moved.

/// What becomes of a member in the clean form.
#[derive(Debug, Clone, Copy)]
pub(super) enum MemberRule {
    /// Stays as it is.
    Content,
    /// Where things lie and how they look: goes to the layout; stays in mode `keep`.
    Layout,
    /// Changes without anyone's intent, or is worked out again on load: goes to the
    /// layout in every mode.
    Volatile,
    /// As `Layout`, but ComfyUI cannot open the file without it (a subgraph without its
    /// boundary boxes is an empty canvas): this constant box stands in.
    Box([i64; 4]),
    /// As [`MemberRule::Box`], for a point.
    Point,
    /// A high-water mark: the true maximum over all graphs is written instead.
    Counter(IdCounter),
    /// A list of link ids in no meaningful order: sorted.
    SortedIds,
    /// An object with rules of its own.
    Object(&'static ObjectPolicy),
    /// An object of display flags; it leaves the file when nothing stays in it.
    Flags(&'static ObjectPolicy),
    /// As [`MemberRule::Flags`], in mode `keep` too: what git-comfy itself wrote down.
    Marks(&'static ObjectPolicy),
    /// A list of objects with rules of their own, sorted by `id`.
    Sorted(&'static ObjectPolicy),
    /// A list of objects with rules of their own, in its own order.
    List(&'static ObjectPolicy),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdCounter {
    Node,
    Link,
    Group,
    Reroute,
}

/// One kind of object: its known members in the order in which ComfyUI writes them.
/// Unknown members are content and follow in their own order.
#[derive(Debug)]
pub(super) struct ObjectPolicy {
    pub(super) members: &'static [(&'static str, MemberRule)],
    /// Members that say which element of a list this is; repeated beside its layout, so
    /// that the layout can be matched to another state of the same file.
    pub(super) identity: &'static [&'static str],
}

use MemberRule::{Content, Layout, Volatile};

/// A 0.4 or schema 1 workflow.
pub(super) static WORKFLOW: ObjectPolicy = ObjectPolicy {
    members: &[
        ("id", Content),
        ("revision", Volatile),
        ("last_node_id", MemberRule::Counter(IdCounter::Node)),
        ("last_link_id", MemberRule::Counter(IdCounter::Link)),
        ("state", MemberRule::Object(&STATE)),
        ("nodes", MemberRule::Sorted(&NODE)),
        ("links", MemberRule::Sorted(&LINK)),
        ("floatingLinks", MemberRule::Sorted(&LINK)),
        ("reroutes", MemberRule::Sorted(&REROUTE)),
        ("groups", MemberRule::Sorted(&GROUP)),
        ("definitions", MemberRule::Object(&DEFINITIONS)),
        ("config", Content),
        ("extra", MemberRule::Object(&EXTRA)),
        ("models", Content),
        ("version", Content),
        ("extensions", Content),
    ],
    identity: &[],
};

static DEFINITIONS: ObjectPolicy =
    ObjectPolicy { members: &[("subgraphs", MemberRule::Sorted(&DEFINITION))], identity: &[] };

/// A subgraph definition; always schema 1.
static DEFINITION: ObjectPolicy = ObjectPolicy {
    members: &[
        ("id", Content),
        ("version", Content),
        ("state", MemberRule::Object(&STATE)),
        ("revision", Volatile),
        ("config", Content),
        ("name", Content),
        ("category", Content),
        ("description", Content),
        ("inputNode", MemberRule::Object(&BOUNDARY)),
        ("outputNode", MemberRule::Object(&BOUNDARY)),
        ("inputs", MemberRule::List(&DEFINITION_SLOT)),
        ("outputs", MemberRule::List(&DEFINITION_SLOT)),
        ("widgets", Content),
        ("nodes", MemberRule::Sorted(&NODE)),
        ("groups", MemberRule::Sorted(&GROUP)),
        ("links", MemberRule::Sorted(&LINK)),
        ("floatingLinks", MemberRule::Sorted(&LINK)),
        ("reroutes", MemberRule::Sorted(&REROUTE)),
        ("definitions", MemberRule::Object(&DEFINITIONS)),
        ("extra", MemberRule::Object(&EXTRA)),
    ],
    identity: &["id"],
};

pub(super) static NODE: ObjectPolicy = ObjectPolicy {
    members: &[
        ("id", Content),
        ("type", Content),
        ("pos", Layout),
        ("size", Layout),
        ("flags", MemberRule::Flags(&NODE_FLAGS)),
        ("order", Volatile),
        ("mode", Content),
        ("showAdvanced", Layout),
        ("inputs", MemberRule::List(&INPUT)),
        ("outputs", MemberRule::List(&OUTPUT)),
        ("title", Content),
        ("properties", Content),
        ("widgets_values", Content),
        ("widgets_values_named", Content),
        ("color", Content),
        ("bgcolor", Content),
        ("boxcolor", Content),
        ("shape", Content),
    ],
    identity: &["id", "type"],
};

/// Only flags known to change nothing but looks; `skip_repeated_outputs` and whatever
/// comes later is content.
static NODE_FLAGS: ObjectPolicy = ObjectPolicy {
    members: &[
        ("collapsed", Layout),
        ("pinned", Layout),
        ("horizontal", Layout),
        ("ghost", Layout),
    ],
    identity: &[],
};

static INPUT: ObjectPolicy = ObjectPolicy {
    members: &[
        ("color_off", Content),
        ("color_on", Content),
        ("dir", Content),
        ("label", Content),
        ("localized_name", Volatile),
        ("locked", Content),
        ("name", Content),
        ("nameLocked", Content),
        ("removable", Content),
        ("shape", Content),
        ("type", Content),
        ("pos", Layout),
        ("widget", Content),
        ("link", Content),
        ("slot_index", Volatile),
    ],
    identity: &[],
};

static OUTPUT: ObjectPolicy = ObjectPolicy {
    members: &[
        ("color_off", Content),
        ("color_on", Content),
        ("dir", Content),
        ("label", Content),
        ("localized_name", Volatile),
        ("locked", Content),
        ("name", Content),
        ("nameLocked", Content),
        ("removable", Content),
        ("shape", Content),
        ("type", Content),
        ("pos", Layout),
        ("widget", Content),
        ("slot_index", Volatile),
        ("links", MemberRule::SortedIds),
    ],
    identity: &[],
};

/// Links as objects; as arrays they have no members and are only sorted.
static LINK: ObjectPolicy = ObjectPolicy {
    members: &[
        ("id", Content),
        ("origin_id", Content),
        ("origin_slot", Content),
        ("target_id", Content),
        ("target_slot", Content),
        ("type", Content),
        ("parentId", Content),
    ],
    identity: &[],
};

pub(super) static REROUTE: ObjectPolicy = ObjectPolicy {
    members: &[
        ("id", Content),
        ("parentId", Content),
        ("pos", MemberRule::Point),
        ("linkIds", MemberRule::SortedIds),
        ("floating", Content),
    ],
    identity: &["id"],
};

pub(super) static GROUP: ObjectPolicy = ObjectPolicy {
    members: &[
        ("id", Content),
        ("title", Content),
        ("bounding", MemberRule::Box(GROUP_BOX)),
        ("color", Content),
        ("font_size", Content),
        ("flags", MemberRule::Flags(&NODE_FLAGS)),
    ],
    identity: &["id", "title"],
};

/// LiteGraph's smallest group.
pub(super) const GROUP_BOX: [i64; 4] = [0, 0, 140, 80];

/// A subgraph's input or output node as ComfyUI first draws it.
pub(super) const BOUNDARY_BOX: [i64; 4] = [0, 0, 120, 60];

pub(super) static BOUNDARY: ObjectPolicy = ObjectPolicy {
    members: &[("id", Content), ("bounding", MemberRule::Box(BOUNDARY_BOX)), ("pinned", Layout)],
    identity: &[],
};

static DEFINITION_SLOT: ObjectPolicy = ObjectPolicy {
    members: &[
        ("id", Content),
        ("name", Content),
        ("type", Content),
        ("linkIds", Content),
        ("localized_name", Volatile),
        ("label", Content),
        ("shape", Content),
        ("pos", Layout),
    ],
    identity: &[],
};

static STATE: ObjectPolicy = ObjectPolicy {
    members: &[
        ("lastGroupId", MemberRule::Counter(IdCounter::Group)),
        ("lastNodeId", MemberRule::Counter(IdCounter::Node)),
        ("lastLinkId", MemberRule::Counter(IdCounter::Link)),
        ("lastRerouteId", MemberRule::Counter(IdCounter::Reroute)),
    ],
    identity: &[],
};

/// `extra` of the root and of definitions. `workflowRendererVersion` goes with the
/// geometry: ComfyUI divides all positions by 1.2 when it reads `Vue`, so one without the
/// other would move everything.
static EXTRA: ObjectPolicy = ObjectPolicy {
    members: &[
        ("ds", Volatile),
        ("frontendVersion", Volatile),
        ("linkExtensions", MemberRule::Sorted(&LINK)),
        ("reroutes", MemberRule::Sorted(&REROUTE)),
        ("workflowRendererVersion", Layout),
        ("git_comfy", MemberRule::Marks(&MARKS)),
    ],
    identity: &[],
};

/// What git-comfy writes into a file: conflicts are content until somebody settles them.
static MARKS: ObjectPolicy = ObjectPolicy { members: &[("arranged", Volatile)], identity: &[] };

pub(super) static PROMPT_NODE: ObjectPolicy = ObjectPolicy {
    members: &[("inputs", Content), ("class_type", Content), ("_meta", Content)],
    identity: &[],
};

/// Members whose arrays are printed with one element to a line, and on a single line
/// where the elements are plain: a link is a line of the file.
pub(super) const ONE_LINE_MEMBERS: &[&str] = &[
    "links",
    "linkIds",
    "floatingLinks",
    "linkExtensions",
    "pos",
    "size",
    "bounding",
    "offset",
    "proxyWidgets",
    "previewExposures",
];

/// Where a member stands in the canonical order, one byte for each: tables are short.
pub(super) type MemberRank = u8;

/// The rank of every member that no table has: behind all others.
pub(super) const UNKNOWN_RANK: MemberRank = MemberRank::MAX;

impl ObjectPolicy {
    /// Appends the rank of each key; whether they are in canonical order.
    pub(super) fn rank_members<'k>(
        &self,
        keys: impl Iterator<Item = &'k str>,
        ranks: &mut Vec<MemberRank>,
    ) -> bool {
        let (mut next, mut last, mut is_sorted) = (0, 0, true);
        for key in keys {
            let found = self.find_member(key, next);
            next = found.map_or(self.members.len(), |at| at + 1);
            let rank = found.and_then(|at| MemberRank::try_from(at).ok()).unwrap_or(UNKNOWN_RANK);
            is_sorted &= last <= rank;
            last = rank;
            ranks.push(rank);
        }
        is_sorted
    }

    /// What becomes of the members of a rank.
    pub(super) fn rule(&self, rank: MemberRank) -> Option<&'static MemberRule> {
        self.members.get(usize::from(rank)).map(|(_, rule)| rule)
    }

    /// The place and rule of a key, looked for from `from` on first: members usually come
    /// in the writer's order, so the next one is near.
    pub(super) fn find_rule(&self, key: &str, from: usize) -> Option<(usize, MemberRule)> {
        self.find_member(key, from).map(|at| (at, self.members[at].1))
    }

    #[inline(always)]
    fn find_member(&self, key: &str, from: usize) -> Option<usize> {
        let from = from.min(self.members.len());
        let (behind, ahead) = self.members.split_at(from);
        match find_name(ahead, key) {
            Some(at) => Some(from + at),
            None => find_name(behind, key),
        }
    }
}

#[inline(always)]
fn find_name(members: &[(&str, MemberRule)], key: &str) -> Option<usize> {
    // Names of one length mostly differ in how they begin.
    let start = key.as_bytes().first();
    members.iter().position(|(name, _)| {
        name.len() == key.len() && name.as_bytes().first() == start && *name == key
    })
}
