//! The widget values of one node, merged by name and written in both spellings.
//!
//! The file stores values by position, and a position is no identity: a pack that gains a
//! widget, or a combo whose choice brings other widgets with it, shifts everything behind.
//! So the names in their order (the arrangement) are settled first, as one thing, and then
//! each value by its name. A combo and what its choice brings are one thing as well.
//! Must not know where names come from.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, ConflictKind, MergePlace, NodeName};
use super::decision::MergeVerdict;
use super::json_merge::{combined_order, outcome_verdict};
use super::merge_log::MergeLog;
use super::sequence::{self, SequenceKind, SequenceRegion};
use super::strategy::ChangeClass;
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use super::{text, widget_alignment};
use crate::graph::{
    self, GraphScope, NameSource, Node, Widget, WidgetName, WidgetRole, widgets_by_position,
};
use crate::json::{Object, Value};

/// What is known of a node beside its values.
pub(super) struct WidgetMergeNode<'a> {
    pub(super) scope: &'a GraphScope,
    pub(super) name: NodeName,
    /// For an instance of a subgraph: the widgets on the boundary of the merged
    /// definition, which decide the order of the values.
    pub(super) boundary: Option<Vec<CompactString>>,
    /// For an instance: what becomes of the numbers it shows after a run, which a widget
    /// inside says.
    pub(super) controls: ThreeWay<FxHashMap<CompactString, Value>>,
    /// What the class of the node in the base starts with, for values the base does not hold.
    pub(super) defaults: Vec<(CompactString, Value)>,
    /// Widgets that a wire overrules on both sides: what they hold is not used.
    pub(super) wired: FxHashSet<CompactString>,
}

/// The two spellings of a node's values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RawWidgetValues {
    pub(super) by_position: Option<Value>,
    pub(super) by_name: Option<Value>,
}

impl RawWidgetValues {
    pub(super) fn from_node(node: &Node) -> Self {
        let get = |key| node.raw().get(key).cloned();
        RawWidgetValues { by_position: get("widgets_values"), by_name: get("widgets_values_named") }
    }

    /// Writes them into a node, each in its place if there was one.
    pub(super) fn write_to(self, node: &mut Object) {
        for (key, value) in
            [("widgets_values", self.by_position), ("widgets_values_named", self.by_name)]
        {
            match value {
                Some(value) => node.insert(key, value),
                None => node.remove(key),
            };
        }
    }

    fn means_the_same(&self, other: &Self) -> bool {
        let same = |a: &Option<Value>, b: &Option<Value>| match (a, b) {
            (Some(a), Some(b)) => a.is_equivalent(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        same(&self.by_position, &other.by_position) && same(&self.by_name, &other.by_name)
    }

    /// Both spellings as one value, for a conflict about all of them.
    pub(super) fn to_value(&self) -> Value {
        let mut object = Object::new();
        self.clone().write_to(&mut object);
        Value::Object(object)
    }

    /// What [`RawWidgetValues::to_value`] made.
    pub(super) fn from_value(value: &Value) -> Self {
        let get = |key| value.get(key).cloned();
        RawWidgetValues { by_position: get("widgets_values"), by_name: get("widgets_values_named") }
    }
}

/// What a widget is known by: its name, and how many before it have the same.
type WidgetKey = (WidgetName, usize);

/// A widget, or a combo with the widgets that its choice brings.
#[derive(Clone)]
struct WidgetUnit<'a> {
    key: WidgetKey,
    widgets: Vec<Widget<'a>>,
    /// What becomes of the value after a run, if a control widget says so.
    control: Option<&'a Value>,
}

/// One side's values.
struct WidgetArrangement<'a> {
    units: Vec<WidgetUnit<'a>>,
    index: FxHashMap<WidgetKey, usize>,
    /// What the class starts with where the file holds no value.
    unset: FxHashMap<WidgetKey, WidgetUnit<'a>>,
}

impl<'a> WidgetArrangement<'a> {
    fn from_widgets(widgets: Vec<Widget<'a>>) -> Self {
        let mut units: Vec<WidgetUnit<'a>> = Vec::with_capacity(widgets.len());
        let mut seen: FxHashMap<WidgetName, usize> = FxHashMap::default();
        for widget in widgets {
            if let Some(last) = units.last_mut()
                && is_brought_by(&last.widgets[0], &widget)
            {
                last.widgets.push(widget);
                continue;
            }
            if widget.role == WidgetRole::Control
                && let Some(last) = units.last_mut()
            {
                last.control = Some(widget.value);
            }
            let nth = seen.entry(widget.name.clone()).and_modify(|n| *n += 1).or_default();
            let key = (widget.name.clone(), *nth);
            units.push(WidgetUnit { key, widgets: vec![widget], control: None });
        }
        let index = units.iter().enumerate().map(|(at, unit)| (unit.key.clone(), at)).collect();
        WidgetArrangement { units, index, unset: FxHashMap::default() }
    }

    /// Fills in what the class starts with where the file holds no value: a newer program that
    /// writes it down has changed nothing.
    fn fill_defaults(&mut self, defaults: &'a [(CompactString, Value)]) {
        if self.units.is_empty() || !self.is_named() {
            return;
        }
        let known: FxHashSet<CompactString> = self
            .units
            .iter()
            .flat_map(|unit| &unit.widgets)
            .filter_map(|widget| widget.name.as_str().map(CompactString::new))
            .collect();
        for (name, value) in defaults.iter().filter(|(name, _)| !known.contains(name)) {
            let name = WidgetName::Named(name.clone());
            let location = graph::WidgetLocation::Index(usize::MAX);
            let widget = Widget {
                name: name.clone(),
                source: NameSource::Builtin,
                value,
                location,
                role: WidgetRole::default(),
            };
            let unit = WidgetUnit { key: (name, 0), widgets: vec![widget], control: None };
            self.unset.insert(unit.key.clone(), unit);
        }
    }

    /// Fills in what widgets inside a subgraph say of the numbers that its instance shows.
    fn fill_controls(&mut self, controls: &'a FxHashMap<CompactString, Value>) {
        for unit in self.units.iter_mut().filter(|unit| unit.control.is_none()) {
            unit.control = unit.key.0.as_str().and_then(|name| controls.get(name));
        }
    }

    fn get(&self, key: &WidgetKey) -> Option<&WidgetUnit<'a>> {
        self.index.get(key).map(|at| &self.units[*at])
    }

    fn keys(&self) -> Vec<WidgetKey> {
        self.units.iter().map(|unit| unit.key.clone()).collect()
    }

    fn is_named(&self) -> bool {
        self.units.iter().all(|unit| unit.key.0.as_str().is_some())
    }
}

/// Whether a widget was brought by the choice of the combo before it.
fn is_brought_by(combo: &Widget<'_>, widget: &Widget<'_>) -> bool {
    match (combo.name.as_str(), widget.name.as_str()) {
        (Some(combo), Some(name)) => {
            name.strip_prefix(combo).is_some_and(|rest| rest.starts_with('.'))
        }
        _ => false,
    }
}

/// A value of the result, and the side whose spelling by name it follows.
struct SettledWidget {
    name: WidgetName,
    location: graph::WidgetLocation,
    value: Value,
    side: MergeSide,
}

/// Merges the values of a node that is on both sides.
pub(super) fn merge_widgets<'a>(
    nodes: ThreeWay<Option<&Node>>,
    named: ThreeWay<Vec<Widget<'a>>>,
    about: &'a WidgetMergeNode<'a>,
    log: &mut MergeLog<'_>,
) -> RawWidgetValues {
    let values = nodes.map(|node| node.map(RawWidgetValues::from_node).unwrap_or_default());
    // By spelling first, then by meaning: who only respelled a number changed nothing.
    let whole = match values.settle() {
        ThreeWayOutcome::Conflicting => values.settle_by(RawWidgetValues::means_the_same),
        outcome => outcome,
    };
    if let ThreeWayOutcome::Unchanged | ThreeWayOutcome::SameChange = whole {
        return values.ours;
    }
    let named = widget_alignment::share_names(named);
    let fits = |node: Option<&Node>, widgets: &[Widget<'_>]| {
        node.is_none_or(|node| node.widget_values().len() == widgets.len())
    };
    // Names that one state has and another has not would make every value look new.
    let are_alike = widget_alignment::are_named_alike(&named);
    let all_fit = are_alike
        && fits(nodes.base, &named.base)
        && fits(nodes.ours, &named.ours)
        && fits(nodes.theirs, &named.theirs);
    let named = match all_fit {
        true => named,
        false => nodes.map(|node| node.map(widgets_by_position).unwrap_or_default()),
    };
    let mut sides = named.map(WidgetArrangement::from_widgets);
    sides.base.fill_defaults(&about.defaults);
    sides.base.fill_controls(&about.controls.base);
    sides.ours.fill_controls(&about.controls.ours);
    sides.theirs.fill_controls(&about.controls.theirs);
    let mut merge = WidgetMerge { sides, values: &values, about, log };
    match whole {
        ThreeWayOutcome::Ours | ThreeWayOutcome::Theirs => {
            merge.log_changes();
            values.get(whole.winning_side()).clone()
        }
        _ => merge.merge_both(),
    }
}

struct WidgetMerge<'m, 'a, 'l> {
    sides: ThreeWay<WidgetArrangement<'a>>,
    values: &'m RawValuesThreeWay,
    about: &'m WidgetMergeNode<'m>,
    log: &'m mut MergeLog<'l>,
}

type RawValuesThreeWay = ThreeWay<RawWidgetValues>;

impl<'a> WidgetMerge<'_, 'a, '_> {
    fn unit_states(&self, key: &WidgetKey) -> ThreeWay<Option<WidgetUnit<'a>>> {
        self.sides.as_ref().map(|side| side.get(key).cloned())
    }

    /// Notes what one side changed; its values stand as they are.
    fn log_changes(&mut self) {
        for key in combined_order(self.sides.ours.keys(), &self.sides.theirs.keys()) {
            let units = self.unit_states(&key);
            let value = units.as_ref().map(|unit| unit.as_ref().map(unit_value));
            let outcome = value.as_ref().map(Option::as_ref).settle_values();
            if let Some(verdict) = outcome_verdict(outcome, value.as_ref().map(Option::as_ref)) {
                self.log_decision(&key.0, verdict);
            }
        }
    }

    fn merge_both(mut self) -> RawWidgetValues {
        let Some(order) = self.settle_arrangement() else { return self.merge_by_position() };
        let mut settled = Vec::new();
        // Conflicts are only noted when it is clear that there is none about all values.
        let mut found = Vec::new();
        for key in &order {
            let units = self.unit_states(key);
            match self.settle_unit(key, units, &mut found) {
                Some(widgets) => settled.extend(widgets),
                None => return self.merge_by_position(),
            }
        }
        if self.loses_a_change(&order) {
            return self.merge_by_position();
        }
        for note in found {
            match note {
                PendingNote::Decided(name, verdict) => self.log_decision(&name, verdict),
                PendingNote::Conflict(conflict, class) => {
                    self.log.log_conflict_as(conflict, class);
                }
            }
        }
        self.write_values(settled)
    }

    /// The names of the result in their order; nothing if both sides have rearranged the
    /// values in ways that cannot be brought together.
    fn settle_arrangement(&self) -> Option<Vec<WidgetKey>> {
        let keys = self.sides.as_ref().map(WidgetArrangement::keys);
        let is_object =
            |values: &RawWidgetValues| matches!(values.by_position, Some(Value::Object(_)));
        let by_key = is_object(&self.values.ours) && is_object(&self.values.theirs);
        let outcome = keys.settle();
        if outcome == ThreeWayOutcome::Unchanged {
            return Some(keys.ours);
        }
        let named = self.sides.ours.is_named() && self.sides.theirs.is_named();
        let base_named = self.sides.base.is_named();
        match (outcome, &self.about.boundary) {
            (ThreeWayOutcome::SameChange, _) => Some(keys.ours),
            (ThreeWayOutcome::Ours, _) if named && base_named => Some(keys.ours),
            (ThreeWayOutcome::Theirs, _) if named && base_named => Some(keys.theirs),
            (ThreeWayOutcome::Conflicting, Some(boundary)) if named && base_named => {
                let mut order = self.combined_keys(keys);
                let place = |key: &WidgetKey| {
                    let name = key.0.as_str().unwrap_or_default();
                    boundary.iter().position(|known| known == name)
                };
                order.sort_by_key(|key| place(key).unwrap_or(usize::MAX));
                Some(order)
            }
            (ThreeWayOutcome::Conflicting, _) if by_key => Some(self.combined_keys(keys)),
            _ => None,
        }
    }

    /// What either side has and neither has taken away.
    fn combined_keys(&self, keys: ThreeWay<Vec<WidgetKey>>) -> Vec<WidgetKey> {
        let order = combined_order(keys.ours, &keys.theirs);
        let gone = |key: &WidgetKey| {
            self.sides.base.get(key).is_some()
                && (self.sides.ours.get(key).is_none() || self.sides.theirs.get(key).is_none())
        };
        order.into_iter().filter(|key| !gone(key)).collect()
    }

    /// Whether a side changed a value for which the arrangement has no place.
    fn loses_a_change(&self, order: &[WidgetKey]) -> bool {
        let dropped = |side: &WidgetArrangement<'a>| {
            side.units.iter().any(|unit| {
                let before = self.sides.base.get(&unit.key).map(unit_value);
                unit.widgets[0].role.runs()
                    && !order.contains(&unit.key)
                    && !before.is_some_and(|before| before.is_equivalent(&unit_value(unit)))
            })
        };
        dropped(&self.sides.ours) || dropped(&self.sides.theirs)
    }

    /// Settles one unit; nothing if its widgets cannot be told apart.
    fn settle_unit(
        &mut self,
        key: &WidgetKey,
        units: ThreeWay<Option<WidgetUnit<'a>>>,
        found: &mut Vec<PendingNote>,
    ) -> Option<Vec<SettledWidget>> {
        let brings =
            |unit: &Option<WidgetUnit<'_>>| unit.as_ref().is_some_and(|u| u.widgets.len() > 1);
        if brings(&units.base) || brings(&units.ours) || brings(&units.theirs) {
            return Some(self.settle_choice(key, units, found));
        }
        let side = self.settle_value(&key.0, &units, found);
        match side {
            SettledValue::Side(side) => Some(side_widgets(&units, side)),
            SettledValue::Merged(value) => {
                let unit = units.ours.as_ref().or(units.theirs.as_ref())?;
                let side = if units.ours.is_some() { MergeSide::Ours } else { MergeSide::Theirs };
                let widget = &unit.widgets[0];
                let (name, place) = (widget.name.clone(), widget.location.clone());
                Some(vec![SettledWidget { name, location: place, value, side }])
            }
        }
    }

    /// A combo with what its choice brings. While nobody changes the choice, each widget
    /// it brought is a widget like any other.
    fn settle_choice(
        &mut self,
        key: &WidgetKey,
        units: ThreeWay<Option<WidgetUnit<'a>>>,
        found: &mut Vec<PendingNote>,
    ) -> Vec<SettledWidget> {
        let names = |unit: &Option<WidgetUnit<'a>>| {
            let unit = unit.as_ref()?;
            let names = unit.widgets.iter().map(|w| w.name.clone()).collect::<Vec<_>>();
            Some((unit.widgets[0].value.clone(), names))
        };
        let shape = units.as_ref().map(names);
        if shape.settle() == ThreeWayOutcome::Unchanged && shape.ours.is_some() {
            let count = units.ours.as_ref().map_or(0, |unit| unit.widgets.len());
            let mut settled = Vec::with_capacity(count);
            for at in 0..count {
                let single = units.as_ref().map(|unit| {
                    unit.as_ref().map(|unit| WidgetUnit {
                        key: (unit.widgets[at].name.clone(), 0),
                        widgets: vec![unit.widgets[at].clone()],
                        control: unit.widgets.get(at + 1).and_then(control_value),
                    })
                });
                let name = single.ours.as_ref().map(|unit| unit.key.clone());
                let Some(name) = name else { continue };
                settled.extend(self.settle_unit(&name, single, found).into_iter().flatten());
            }
            return settled;
        }
        if let Some(side) = self.chosen_over_default(&units) {
            let verdict = MergeVerdict::ChosenOverDefault(side);
            found.push(PendingNote::Decided(key.0.clone(), verdict));
            return side_widgets(&units, side);
        }
        let values = units.as_ref().map(|unit| unit.as_ref().map(unit_value));
        let by_reference = values.as_ref().map(Option::as_ref);
        let outcome = match by_reference.settle_values() {
            ThreeWayOutcome::Conflicting => settle_filled_in_choice(&units),
            outcome => outcome,
        };
        if outcome == ThreeWayOutcome::Conflicting {
            let name = key.0.as_str().unwrap_or_default();
            let place = MergePlace::Choice(CompactString::new(name));
            found.push(self.conflict_note(place, values, ChangeClass::Values));
        } else if let Some(verdict) = outcome_verdict(outcome, by_reference) {
            found.push(PendingNote::Decided(key.0.clone(), verdict));
        }
        side_widgets(&units, outcome.winning_side())
    }

    fn settle_value(
        &mut self,
        name: &WidgetName,
        units: &ThreeWay<Option<WidgetUnit<'a>>>,
        found: &mut Vec<PendingNote>,
    ) -> SettledValue {
        let values = units.as_ref().map(|unit| unit.as_ref().map(|unit| unit.widgets[0].value));
        if let Some(side) = self.chosen_over_default(units) {
            let verdict = MergeVerdict::ChosenOverDefault(side);
            found.push(PendingNote::Decided(name.clone(), verdict));
            return SettledValue::Side(side);
        }
        let outcome = values.settle_values();
        if outcome != ThreeWayOutcome::Conflicting {
            if let Some(verdict) = outcome_verdict(outcome, values) {
                found.push(PendingNote::Decided(name.clone(), verdict));
            }
            return SettledValue::Side(outcome.winning_side());
        }
        if let Some(side) = same_switch(values) {
            found.push(PendingNote::Decided(name.clone(), MergeVerdict::SameChange));
            return SettledValue::Side(side);
        }
        if name.as_str().is_some_and(|name| self.about.wired.contains(name)) {
            found.push(PendingNote::Decided(name.clone(), MergeVerdict::WithoutEffect));
            return SettledValue::Side(MergeSide::Ours);
        }
        let role = [&units.ours, &units.theirs, &units.base].into_iter().flatten();
        let role = role.map(|unit| unit.widgets[0].role).next().unwrap_or_default();
        let by_run = [values.ours, values.theirs].into_iter().flatten().all(is_run_output);
        if by_run || matches!(role, WidgetRole::Button | WidgetRole::Residue | WidgetRole::Filter) {
            found.push(PendingNote::Decided(name.clone(), MergeVerdict::KeptOurLooks));
            return SettledValue::Side(MergeSide::Ours);
        }
        if let Some((side, verdict)) = self.settle_reroll(units) {
            found.push(PendingNote::Decided(name.clone(), verdict));
            return SettledValue::Side(side);
        }
        let prose = is_merged_by_words(role, name, values);
        if prose
            && !self.log.forces_conflict(ChangeClass::Texts)
            && let ThreeWay { base: Some(base), ours: Some(ours), theirs: Some(theirs) } =
                values.map(|value| value.and_then(Value::as_str))
            && let Some(text) = text::merge_texts(base, ours, theirs)
        {
            found.push(PendingNote::Decided(name.clone(), MergeVerdict::MergedWords));
            return SettledValue::Merged(Value::from(text));
        }
        let rolls = units.ours.as_ref().is_some_and(|unit| unit.control.is_some());
        let class = match (rolls || role == WidgetRole::Seed, prose) {
            (true, _) => ChangeClass::Seeds,
            (_, true) => ChangeClass::Texts,
            _ => ChangeClass::Values,
        };
        found.push(self.conflict_note(MergePlace::Widget(name.clone()), values.cloned(), class));
        SettledValue::Side(MergeSide::Ours)
    }

    /// The side that chose a value where the other only has what a newer program filled in, given
    /// that the base holds none.
    fn chosen_over_default(&self, units: &ThreeWay<Option<WidgetUnit<'a>>>) -> Option<MergeSide> {
        let (None, Some(ours), Some(theirs)) = (&units.base, &units.ours, &units.theirs) else {
            return None;
        };
        let default = unit_value(self.sides.base.unset.get(&ours.key)?);
        let head = |unit: &WidgetUnit<'_>| unit.widgets[0].value.clone();
        let is_default = |unit: &WidgetUnit<'_>| match default.is_equivalent(&head(unit)) {
            true => true,
            false => default.is_equivalent(&unit_value(unit)),
        };
        match (is_default(ours), is_default(theirs)) {
            (false, true) => Some(MergeSide::Ours),
            (true, false) => Some(MergeSide::Theirs),
            _ => None,
        }
    }

    /// Which side has a number that somebody chose, if the other merely re-rolled its own;
    /// ours if both re-rolled.
    fn settle_reroll(
        &self,
        units: &ThreeWay<Option<WidgetUnit<'a>>>,
    ) -> Option<(MergeSide, MergeVerdict)> {
        if self.log.forces_conflict(ChangeClass::Seeds) {
            return None;
        }
        let fixed =
            |unit: &Option<WidgetUnit<'_>>| Some(unit.as_ref()?.control?.as_str()? == "fixed");
        match (fixed(&units.ours)?, fixed(&units.theirs)?) {
            (false, false) => Some((MergeSide::Ours, MergeVerdict::BothRerolled)),
            (true, false) => Some((MergeSide::Ours, MergeVerdict::ChosenNumber(MergeSide::Ours))),
            (false, true) => {
                Some((MergeSide::Theirs, MergeVerdict::ChosenNumber(MergeSide::Theirs)))
            }
            (true, true) => None,
        }
    }

    fn log_decision(&mut self, name: &WidgetName, verdict: MergeVerdict) {
        let node = Some(self.about.name.clone());
        self.log.log_decision(self.about.scope, node, MergePlace::Widget(name.clone()), verdict);
    }

    fn conflict_note(
        &self,
        place: MergePlace,
        sides: ThreeWay<Option<Value>>,
        class: ChangeClass,
    ) -> PendingNote {
        let (scope, node) = (self.about.scope, self.about.name.clone());
        let conflict = Conflict::in_node(scope, node, ConflictKind::BothChanged, place, sides);
        PendingNote::Conflict(conflict, class)
    }

    /// Merges lists of different lengths that nothing names, by what stands in them. A value that
    /// both changed is contested alone, if it is clear which one it is.
    fn merge_by_position(self) -> RawWidgetValues {
        let array = |values: &'_ RawWidgetValues| match &values.by_position {
            Some(Value::Array(values)) => Some(values.clone()),
            _ => None,
        };
        let ThreeWay { base: Some(base), ours: Some(ours), theirs: Some(theirs) } =
            self.values.as_ref().map(array)
        else {
            return self.conflict_about_all();
        };
        if self.values.ours.by_name.is_some() || self.values.theirs.by_name.is_some() {
            return self.conflict_about_all();
        }
        let lists = ThreeWay::new(base, ours, theirs);
        let texts = lists
            .as_ref()
            .map(|list| list.iter().map(sequence::meaning_text).collect::<Vec<String>>());
        let regions = sequence::merge_regions(
            texts.as_ref().map(Vec::as_slice),
            SequenceKind::List,
            |between| !between.is_empty(),
        );
        let Some(regions) = regions else { return self.conflict_about_all() };
        let mut merged: Vec<Value> = Vec::new();
        let mut contested = Vec::new();
        for region in regions {
            match region {
                SequenceRegion::Settled(side, range) => {
                    merged.extend_from_slice(&lists.get(side)[range]);
                }
                SequenceRegion::Contested(region) => {
                    let ThreeWay { base, ours, theirs } = region.as_ref().map(|r| r.len());
                    let at_end = region.base.end == lists.base.len();
                    let grew = at_end && ours >= base && theirs >= base;
                    if ours != theirs && !grew {
                        return self.conflict_about_all();
                    }
                    // What both put in the place of more or less has no value before.
                    let has_base = grew || base == ours;
                    for nth in 0..ours.max(theirs) {
                        let value = |side: MergeSide| {
                            let range = region.get(side);
                            lists.get(side).get(range.start + nth).filter(|_| nth < range.len())
                        };
                        let sides = ThreeWay::new(
                            value(MergeSide::Base).filter(|_| has_base).cloned(),
                            value(MergeSide::Ours).cloned(),
                            value(MergeSide::Theirs).cloned(),
                        );
                        // What only one of them appended.
                        if sides.ours.is_none() || sides.theirs.is_none() {
                            merged.extend(sides.ours.or(sides.theirs));
                            continue;
                        }
                        let outcome = sides.as_ref().map(Option::as_ref).settle_values();
                        if let Some(side) = same_switch(sides.as_ref().map(Option::as_ref)) {
                            merged.extend(sides.get(side).clone());
                            continue;
                        }
                        let by_run =
                            [&sides.ours, &sides.theirs].into_iter().flatten().all(is_run_output);
                        if outcome == ThreeWayOutcome::Conflicting && !by_run {
                            contested.push((WidgetName::Position(merged.len()), sides.clone()));
                        }
                        merged.extend(sides.get(outcome.winning_side()).clone());
                    }
                }
            }
        }
        for (name, sides) in contested {
            let place = MergePlace::Widget(name);
            let PendingNote::Conflict(conflict, class) =
                self.conflict_note(place, sides, ChangeClass::Values)
            else {
                continue;
            };
            self.log.log_conflict_as(conflict, class);
        }
        let node = Some(self.about.name.clone());
        let verdict = MergeVerdict::MergedElements;
        self.log.log_decision(self.about.scope, node, MergePlace::Widgets, verdict);
        RawWidgetValues { by_position: Some(Value::Array(merged)), by_name: None }
    }

    fn conflict_about_all(self) -> RawWidgetValues {
        let sides = self.values.as_ref().map(|values| match values {
            RawWidgetValues { by_position: None, by_name: None } => None,
            values => Some(values.to_value()),
        });
        self.log.log_both_changed(
            self.about.scope,
            self.about.name.clone(),
            MergePlace::Widgets,
            sides,
        );
        self.values.ours.clone()
    }

    /// The settled values in both spellings.
    fn write_values(&self, settled: Vec<SettledWidget>) -> RawWidgetValues {
        let object =
            |side: MergeSide| matches!(self.values.get(side).by_position, Some(Value::Object(_)));
        let by_name = self.named_values(&settled);
        let by_position = if object(MergeSide::Ours) {
            let members = settled.into_iter().filter_map(|s| match s.location {
                graph::WidgetLocation::Key(key) => Some((key, s.value)),
                _ => Some((CompactString::new(s.name.as_str()?), s.value)),
            });
            Value::Object(members.collect())
        } else {
            Value::Array(settled.into_iter().map(|s| s.value).collect())
        };
        RawWidgetValues { by_position: Some(by_position), by_name }
    }

    /// The spelling by name: that of the side whose arrangement it is, in step with the
    /// values.
    fn named_values(&self, settled: &[SettledWidget]) -> Option<Value> {
        let copies =
            self.values.as_ref().map(|values| values.by_name.as_ref().and_then(Value::as_object));
        let outcome = copies.map(|copy| copy.is_some()).settle();
        if copies.get(outcome.winning_side()).is_none() {
            return None;
        }
        let mut written = Object::new();
        for (at, value) in settled.iter().enumerate() {
            let copy = copies.get(value.side).or(copies.ours).or(copies.theirs)?;
            let listed = copy.len() == settled.len();
            let key = match value.name.as_str() {
                Some(name) if copy.contains_key(name) => Some(name),
                // A name that the file spells otherwise (`name#1`) is found by its place.
                _ if listed => copy.get_index(at).map(|(key, _)| key.as_str()),
                _ => None,
            };
            if let Some(key) = key
                && !written.contains_key(key)
            {
                written.append(key, value.value.clone());
            }
        }
        Some(Value::Object(written))
    }
}

enum SettledValue {
    Side(MergeSide),
    Merged(Value),
}

/// A decision or a conflict to be logged, unless there is a conflict about all values.
enum PendingNote {
    Decided(WidgetName, MergeVerdict),
    Conflict(Conflict, ChangeClass),
}

fn side_widgets(units: &ThreeWay<Option<WidgetUnit<'_>>>, side: MergeSide) -> Vec<SettledWidget> {
    let unit = units.get(side).iter();
    let widgets = unit.flat_map(|unit| &unit.widgets);
    widgets
        .map(|widget| SettledWidget {
            name: widget.name.clone(),
            location: widget.location.clone(),
            value: widget.value.clone(),
            side,
        })
        .collect()
}

/// Whether a run left the value there: where the server shows the last picture.
fn is_run_output(value: &Value) -> bool {
    let starts = |text: &str| ["/view?", "/api/view?"].iter().any(|way| text.starts_with(way));
    value.as_str().is_some_and(starts)
}

/// The side that has a switch as true or false, where the other has the same in words: packs
/// that turn such a choice into a switch write it anew.
fn same_switch(values: ThreeWay<Option<&Value>>) -> Option<MergeSide> {
    let word = |value: &Value| match value.as_str()?.to_ascii_lowercase().as_str() {
        "true" | "enable" | "enabled" | "on" | "yes" => Some(true),
        "false" | "disable" | "disabled" | "off" | "no" => Some(false),
        _ => None,
    };
    let (ours, theirs) = (values.ours?, values.theirs?);
    match (ours.as_bool(), theirs.as_bool()) {
        (Some(ours), None) if word(theirs) == Some(ours) => Some(MergeSide::Ours),
        (None, Some(theirs)) if word(ours) == Some(theirs) => Some(MergeSide::Theirs),
        _ => None,
    }
}

/// A combo whose choice one side changed, where the other only has more of what its old choice
/// brings: a newer program filled that in.
fn settle_filled_in_choice(units: &ThreeWay<Option<WidgetUnit<'_>>>) -> ThreeWayOutcome {
    let heads = units.as_ref().map(|unit| unit.as_ref().map(|unit| unit.widgets[0].value));
    let outcome = heads.settle_values();
    let side = match outcome {
        ThreeWayOutcome::Ours => MergeSide::Ours,
        ThreeWayOutcome::Theirs => MergeSide::Theirs,
        _ => return ThreeWayOutcome::Conflicting,
    };
    let (Some(before), Some(beside)) = (&units.base, units.get(side.other())) else {
        return ThreeWayOutcome::Conflicting;
    };
    let kept = before.widgets.iter().all(|widget| {
        let now = beside.widgets.iter().find(|now| now.name == widget.name);
        now.is_some_and(|now| now.value.is_equivalent(widget.value))
    });
    if kept { outcome } else { ThreeWayOutcome::Conflicting }
}

/// A unit as one value: of a combo that brings others, all of them by name.
fn unit_value(unit: &WidgetUnit<'_>) -> Value {
    match unit.widgets.as_slice() {
        [single] => single.value.clone(),
        widgets => {
            let members = widgets.iter().map(|w| (w.name.to_string(), w.value.clone()));
            Value::Object(members.collect())
        }
    }
}

fn control_value<'a>(widget: &Widget<'a>) -> Option<&'a Value> {
    (widget.role == WidgetRole::Control).then_some(widget.value)
}

/// Whether a value is merged by words.
fn is_merged_by_words(
    role: WidgetRole,
    name: &WidgetName,
    values: ThreeWay<Option<&Value>>,
) -> bool {
    let unnamed = role == WidgetRole::Plain && matches!(name, WidgetName::Position(_));
    let prose = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(text::is_prose);
    role == WidgetRole::Text || (unnamed && prose(values.ours) && prose(values.theirs))
}
