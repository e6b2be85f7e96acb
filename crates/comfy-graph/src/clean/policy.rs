//! The table that decides, key by key, what is content, what is layout and what is
//! derived. It also fixes the order of known keys: the order in which ComfyUI writes them
//! (measured on 644 official workflows), so that a file nearly always comes back without
//! an order having to be kept.
//!
//! `docs/clean-form.md` describes it for users. Must not know how values are moved.

use crate::json::{JsonText, NameTable};

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

/// The names of all members that any table below has, each once; a table with another one does
/// not compile.
const NAMES: &[&str] = &[
    "id",
    "revision",
    "last_node_id",
    "last_link_id",
    "state",
    "nodes",
    "links",
    "floatingLinks",
    "reroutes",
    "groups",
    "definitions",
    "config",
    "extra",
    "models",
    "version",
    "extensions",
    "name",
    "category",
    "description",
    "inputNode",
    "outputNode",
    "inputs",
    "outputs",
    "widgets",
    "type",
    "pos",
    "size",
    "flags",
    "order",
    "mode",
    "showAdvanced",
    "title",
    "properties",
    "widgets_values",
    "widgets_values_named",
    "color",
    "bgcolor",
    "boxcolor",
    "shape",
    "collapsed",
    "pinned",
    "horizontal",
    "ghost",
    "color_off",
    "color_on",
    "dir",
    "label",
    "localized_name",
    "locked",
    "nameLocked",
    "removable",
    "widget",
    "link",
    "slot_index",
    "origin_id",
    "origin_slot",
    "target_id",
    "target_slot",
    "parentId",
    "linkIds",
    "floating",
    "bounding",
    "font_size",
    "lastGroupId",
    "lastNodeId",
    "lastLinkId",
    "lastRerouteId",
    "ds",
    "frontendVersion",
    "linkExtensions",
    "workflowRendererVersion",
    "git_comfy",
    "subgraphs",
    "arranged",
    "class_type",
    "_meta",
];

/// The same for whoever reads documents: their keys then know their place.
pub(super) static MEMBER_NAMES: NameTable = NameTable::new(NAMES);

const fn place_among_names(name: &str) -> usize {
    let mut place = 0;
    while !is_same_name(NAMES[place].as_bytes(), name.as_bytes()) {
        place += 1;
    }
    place
}

const fn is_same_name(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// One kind of object: its known members in the order in which ComfyUI writes them.
/// Unknown members are content and follow in their own order.
#[derive(Debug)]
pub(super) struct ObjectPolicy {
    members: &'static [(&'static str, MemberRule)],
    /// By the place of the name among all of them.
    ranks: [MemberRank; NAMES.len()],
    /// Members that say which element of a list this is; repeated beside its layout, so
    /// that the layout can be matched to another state of the same file.
    pub(super) identity: &'static [&'static str],
}

use MemberRule::{Content, Layout, Volatile};

/// A 0.4 or schema 1 workflow.
pub(super) static WORKFLOW: ObjectPolicy = ObjectPolicy::new(
    &[
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
    &[],
);

static DEFINITIONS: ObjectPolicy =
    ObjectPolicy::new(&[("subgraphs", MemberRule::Sorted(&DEFINITION))], &[]);

/// A subgraph definition; always schema 1.
static DEFINITION: ObjectPolicy = ObjectPolicy::new(
    &[
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
    &["id"],
);

pub(super) static NODE: ObjectPolicy = ObjectPolicy::new(
    &[
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
    &["id", "type"],
);

/// Only flags known to change nothing but looks; `skip_repeated_outputs` and whatever
/// comes later is content.
static NODE_FLAGS: ObjectPolicy = ObjectPolicy::new(
    &[("collapsed", Layout), ("pinned", Layout), ("horizontal", Layout), ("ghost", Layout)],
    &[],
);

static INPUT: ObjectPolicy = ObjectPolicy::new(
    &[
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
    &[],
);

static OUTPUT: ObjectPolicy = ObjectPolicy::new(
    &[
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
    &[],
);

/// Links as objects; as arrays they have no members and are only sorted.
static LINK: ObjectPolicy = ObjectPolicy::new(
    &[
        ("id", Content),
        ("origin_id", Content),
        ("origin_slot", Content),
        ("target_id", Content),
        ("target_slot", Content),
        ("type", Content),
        ("parentId", Content),
    ],
    &[],
);

pub(super) static REROUTE: ObjectPolicy = ObjectPolicy::new(
    &[
        ("id", Content),
        ("parentId", Content),
        ("pos", MemberRule::Point),
        ("linkIds", MemberRule::SortedIds),
        ("floating", Content),
    ],
    &["id"],
);

pub(super) static GROUP: ObjectPolicy = ObjectPolicy::new(
    &[
        ("id", Content),
        ("title", Content),
        ("bounding", MemberRule::Box(GROUP_BOX)),
        ("color", Content),
        ("font_size", Content),
        ("flags", MemberRule::Flags(&NODE_FLAGS)),
    ],
    &["id", "title"],
);

/// LiteGraph's smallest group.
pub(super) const GROUP_BOX: [i64; 4] = [0, 0, 140, 80];

/// A subgraph's input or output node as ComfyUI first draws it.
pub(super) const BOUNDARY_BOX: [i64; 4] = [0, 0, 120, 60];

pub(super) static BOUNDARY: ObjectPolicy = ObjectPolicy::new(
    &[("id", Content), ("bounding", MemberRule::Box(BOUNDARY_BOX)), ("pinned", Layout)],
    &[],
);

static DEFINITION_SLOT: ObjectPolicy = ObjectPolicy::new(
    &[
        ("id", Content),
        ("name", Content),
        ("type", Content),
        ("linkIds", Content),
        ("localized_name", Volatile),
        ("label", Content),
        ("shape", Content),
        ("pos", Layout),
    ],
    &[],
);

static STATE: ObjectPolicy = ObjectPolicy::new(
    &[
        ("lastGroupId", MemberRule::Counter(IdCounter::Group)),
        ("lastNodeId", MemberRule::Counter(IdCounter::Node)),
        ("lastLinkId", MemberRule::Counter(IdCounter::Link)),
        ("lastRerouteId", MemberRule::Counter(IdCounter::Reroute)),
    ],
    &[],
);

/// `extra` of the root and of definitions. `workflowRendererVersion` goes with the
/// geometry: ComfyUI divides all positions by 1.2 when it reads `Vue`, so one without the
/// other would move everything.
static EXTRA: ObjectPolicy = ObjectPolicy::new(
    &[
        ("ds", Volatile),
        ("frontendVersion", Volatile),
        ("linkExtensions", MemberRule::Sorted(&LINK)),
        ("reroutes", MemberRule::Sorted(&REROUTE)),
        ("workflowRendererVersion", Layout),
        ("git_comfy", MemberRule::Marks(&MARKS)),
    ],
    &[],
);

/// What git-comfy writes into a file: conflicts are content until somebody settles them.
static MARKS: ObjectPolicy = ObjectPolicy::new(&[("arranged", Volatile)], &[]);

pub(super) static PROMPT_NODE: ObjectPolicy =
    ObjectPolicy::new(&[("inputs", Content), ("class_type", Content), ("_meta", Content)], &[]);

/// Of which members arrays are printed with one element to a line, and on a single line where
/// the elements are plain: a link is a line of the file.
pub(super) fn is_one_line_member(name: &[u8]) -> bool {
    matches!(
        name,
        b"links"
            | b"linkIds"
            | b"floatingLinks"
            | b"linkExtensions"
            | b"pos"
            | b"size"
            | b"bounding"
            | b"offset"
            | b"proxyWidgets"
            | b"previewExposures"
    )
}

/// Where a member stands in the canonical order, one byte for each: tables are short.
pub(super) type MemberRank = u8;

/// The rank of every member that no table has: behind all others.
pub(super) const UNKNOWN_RANK: MemberRank = MemberRank::MAX;

impl ObjectPolicy {
    const fn new(
        members: &'static [(&'static str, MemberRule)],
        identity: &'static [&'static str],
    ) -> ObjectPolicy {
        let mut ranks = [UNKNOWN_RANK; NAMES.len()];
        let mut rank = 0;
        while (rank as usize) < members.len() {
            ranks[place_among_names(members[rank as usize].0)] = rank;
            rank += 1;
        }
        ObjectPolicy { members, ranks, identity }
    }

    /// Appends the rank of each key; whether they are in canonical order.
    pub(super) fn rank_members<'k, T: JsonText + 'k>(
        &self,
        keys: impl Iterator<Item = &'k T>,
        ranks: &mut Vec<MemberRank>,
    ) -> bool {
        let (mut last, mut is_sorted) = (0, true);
        for key in keys {
            let rank = self.rank(key);
            is_sorted &= last <= rank;
            last = rank;
            ranks.push(rank);
        }
        is_sorted
    }

    /// Where a member stands; unknown ones come last.
    #[inline(always)]
    pub(super) fn rank(&self, key: &impl JsonText) -> MemberRank {
        let number = key.name_number(&MEMBER_NAMES);
        self.ranks.get(usize::from(number)).copied().unwrap_or(UNKNOWN_RANK)
    }

    /// What becomes of the members of a rank.
    pub(super) fn rule(&self, rank: MemberRank) -> Option<&'static MemberRule> {
        self.members.get(usize::from(rank)).map(|(_, rule)| rule)
    }
}
