//! The widget values of one node, merged by name and written in both spellings.
//!
//! The file stores values by position, and a position is no identity: a pack that gains a
//! widget, or a combo whose choice brings other widgets with it, shifts everything behind.
//! So the names in their order (the arrangement) are settled first, as one thing, and then
//! each value by its name. A combo and what its choice brings are one thing as well.
//! Must not know where names come from.

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::conflict::{Conflict, ConflictKind, NodeName, Place};
use super::decision::Verdict;
use super::json::{in_order_of_both, verdict};
use super::ledger::Ledger;
use super::strategy::Class;
use super::text;
use super::three::{Outcome, Side, Three};
use crate::graph::{self, Node, Role, Scope, Widget, WidgetName, by_position};
use crate::json::{Object, Value};

/// What is known of a node beside its values.
pub(super) struct About<'a> {
    pub(super) scope: &'a Scope,
    pub(super) name: NodeName,
    /// For an instance of a subgraph: the widgets on the boundary of the merged
    /// definition, which decide the order of the values.
    pub(super) boundary: Option<Vec<CompactString>>,
    /// For an instance: what becomes of the numbers it shows after a run, which a widget
    /// inside says.
    pub(super) controls: Three<FxHashMap<CompactString, Value>>,
}

/// The two spellings of a node's values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) by_position: Option<Value>,
    pub(super) by_name: Option<Value>,
}

impl Values {
    pub(super) fn of(node: &Node) -> Self {
        let get = |key| node.raw().get(key).cloned();
        Values { by_position: get("widgets_values"), by_name: get("widgets_values_named") }
    }

    /// Writes them into a node, each in its place if there was one.
    pub(super) fn put_into(self, node: &mut Object) {
        for (key, value) in
            [("widgets_values", self.by_position), ("widgets_values_named", self.by_name)]
        {
            match value {
                Some(value) => node.insert(key, value),
                None => node.remove(key),
            };
        }
    }

    /// Both spellings as one value, for a conflict about all of them.
    pub(super) fn to_value(&self) -> Value {
        let mut object = Object::new();
        self.clone().put_into(&mut object);
        Value::Object(object)
    }

    /// What [`Values::to_value`] made.
    pub(super) fn from_value(value: &Value) -> Self {
        let get = |key| value.get(key).cloned();
        Values { by_position: get("widgets_values"), by_name: get("widgets_values_named") }
    }
}

/// What a widget is known by: its name, and how many before it have the same.
type Key = (WidgetName, usize);

/// A widget, or a combo with the widgets that its choice brings.
#[derive(Clone)]
struct Unit<'a> {
    key: Key,
    widgets: Vec<Widget<'a>>,
    /// What becomes of the value after a run, if a control widget says so.
    control: Option<&'a Value>,
}

/// One side's values.
struct Arrangement<'a> {
    units: Vec<Unit<'a>>,
    index: FxHashMap<Key, usize>,
}

impl<'a> Arrangement<'a> {
    fn of(widgets: Vec<Widget<'a>>) -> Self {
        let mut units: Vec<Unit<'a>> = Vec::with_capacity(widgets.len());
        let mut seen: FxHashMap<WidgetName, usize> = FxHashMap::default();
        for widget in widgets {
            if let Some(last) = units.last_mut()
                && belongs(&last.widgets[0], &widget)
            {
                last.widgets.push(widget);
                continue;
            }
            if widget.role == Role::Control
                && let Some(last) = units.last_mut()
            {
                last.control = Some(widget.value);
            }
            let nth = seen.entry(widget.name.clone()).and_modify(|n| *n += 1).or_default();
            let key = (widget.name.clone(), *nth);
            units.push(Unit { key, widgets: vec![widget], control: None });
        }
        let index = units.iter().enumerate().map(|(at, unit)| (unit.key.clone(), at)).collect();
        Arrangement { units, index }
    }

    /// Fills in what widgets inside a subgraph say of the numbers that its instance shows.
    fn control_from(&mut self, controls: &'a FxHashMap<CompactString, Value>) {
        for unit in self.units.iter_mut().filter(|unit| unit.control.is_none()) {
            unit.control = unit.key.0.as_str().and_then(|name| controls.get(name));
        }
    }

    fn get(&self, key: &Key) -> Option<&Unit<'a>> {
        self.index.get(key).map(|at| &self.units[*at])
    }

    fn keys(&self) -> Vec<Key> {
        self.units.iter().map(|unit| unit.key.clone()).collect()
    }

    fn is_named(&self) -> bool {
        self.units.iter().all(|unit| unit.key.0.as_str().is_some())
    }
}

/// Whether a widget was brought by the choice of the combo before it.
fn belongs(combo: &Widget<'_>, widget: &Widget<'_>) -> bool {
    match (combo.name.as_str(), widget.name.as_str()) {
        (Some(combo), Some(name)) => {
            name.strip_prefix(combo).is_some_and(|rest| rest.starts_with('.'))
        }
        _ => false,
    }
}

/// A value of the result, and the side whose spelling by name it follows.
struct Settled {
    name: WidgetName,
    place: graph::Place,
    value: Value,
    side: Side,
}

/// Merges the values of a node that is on both sides.
pub(super) fn merge<'a>(
    nodes: Three<Option<&Node>>,
    named: Three<Vec<Widget<'a>>>,
    about: &'a About<'a>,
    ledger: &mut Ledger<'_>,
) -> Values {
    let values = nodes.map(|node| node.map(Values::of).unwrap_or_default());
    let whole = values.settle();
    if let Outcome::Unchanged | Outcome::Alike = whole {
        return values.ours;
    }
    let fits = |node: Option<&Node>, widgets: &[Widget<'_>]| {
        node.is_none_or(|node| node.widgets().len() == widgets.len())
    };
    let all_fit = fits(nodes.base, &named.base)
        && fits(nodes.ours, &named.ours)
        && fits(nodes.theirs, &named.theirs);
    let named = match all_fit {
        true => named,
        false => nodes.map(|node| node.map(by_position).unwrap_or_default()),
    };
    let mut sides = named.map(Arrangement::of);
    sides.base.control_from(&about.controls.base);
    sides.ours.control_from(&about.controls.ours);
    sides.theirs.control_from(&about.controls.theirs);
    let mut merge = Merge { sides, values: &values, about, ledger };
    match whole {
        Outcome::Ours | Outcome::Theirs => {
            merge.tell_changes();
            values.get(whole.winner()).clone()
        }
        _ => merge.both(),
    }
}

struct Merge<'m, 'a, 'l> {
    sides: Three<Arrangement<'a>>,
    values: &'m Values3,
    about: &'m About<'m>,
    ledger: &'m mut Ledger<'l>,
}

type Values3 = Three<Values>;

impl<'a> Merge<'_, 'a, '_> {
    fn units(&self, key: &Key) -> Three<Option<Unit<'a>>> {
        self.sides.as_ref().map(|side| side.get(key).cloned())
    }

    /// Notes what one side changed; its values stand as they are.
    fn tell_changes(&mut self) {
        for key in in_order_of_both(self.sides.ours.keys(), &self.sides.theirs.keys()) {
            let units = self.units(&key);
            let value = units.as_ref().map(|unit| unit.as_ref().map(spelled));
            let outcome = value.as_ref().map(Option::as_ref).settle_values();
            if let Some(verdict) = verdict(outcome, value.as_ref().map(Option::as_ref)) {
                self.decide(&key.0, verdict);
            }
        }
    }

    fn both(mut self) -> Values {
        let Some(order) = self.arrangement() else { return self.conflict_about_all() };
        let mut settled = Vec::new();
        // Conflicts are only noted when it is clear that there is none about all values.
        let mut found = Vec::new();
        for key in &order {
            let units = self.units(key);
            match self.unit(key, units, &mut found) {
                Some(widgets) => settled.extend(widgets),
                None => return self.conflict_about_all(),
            }
        }
        if self.loses_a_change(&order) {
            return self.conflict_about_all();
        }
        for note in found {
            match note {
                Note::Decided(name, verdict) => self.decide(&name, verdict),
                Note::Conflict(conflict, class) => {
                    self.ledger.open_as(conflict, class);
                }
            }
        }
        self.write(settled)
    }

    /// The names of the result in their order; nothing if both sides have rearranged the
    /// values in ways that cannot be brought together.
    fn arrangement(&self) -> Option<Vec<Key>> {
        let keys = self.sides.as_ref().map(Arrangement::keys);
        let is_object = |values: &Values| matches!(values.by_position, Some(Value::Object(_)));
        let by_key = is_object(&self.values.ours) && is_object(&self.values.theirs);
        let outcome = keys.settle();
        if outcome == Outcome::Unchanged {
            return Some(keys.ours);
        }
        let named = self.sides.ours.is_named() && self.sides.theirs.is_named();
        let base_named = self.sides.base.is_named();
        match (outcome, &self.about.boundary) {
            (Outcome::Alike, _) => Some(keys.ours),
            (Outcome::Ours, _) if named && base_named => Some(keys.ours),
            (Outcome::Theirs, _) if named && base_named => Some(keys.theirs),
            (Outcome::Apart, Some(boundary)) if named && base_named => {
                let mut order = self.of_both(keys);
                let place = |key: &Key| {
                    let name = key.0.as_str().unwrap_or_default();
                    boundary.iter().position(|known| known == name)
                };
                order.sort_by_key(|key| place(key).unwrap_or(usize::MAX));
                Some(order)
            }
            (Outcome::Apart, _) if by_key => Some(self.of_both(keys)),
            _ => None,
        }
    }

    /// What either side has and neither has taken away.
    fn of_both(&self, keys: Three<Vec<Key>>) -> Vec<Key> {
        let order = in_order_of_both(keys.ours, &keys.theirs);
        let gone = |key: &Key| {
            self.sides.base.get(key).is_some()
                && (self.sides.ours.get(key).is_none() || self.sides.theirs.get(key).is_none())
        };
        order.into_iter().filter(|key| !gone(key)).collect()
    }

    /// Whether a side changed a value for which the arrangement has no place.
    fn loses_a_change(&self, order: &[Key]) -> bool {
        let dropped = |side: &Arrangement<'a>| {
            side.units.iter().any(|unit| {
                let before = self.sides.base.get(&unit.key).map(spelled);
                unit.widgets[0].role.runs()
                    && !order.contains(&unit.key)
                    && !before.is_some_and(|before| before.same(&spelled(unit)))
            })
        };
        dropped(&self.sides.ours) || dropped(&self.sides.theirs)
    }

    /// Settles one unit; nothing if its widgets cannot be told apart.
    fn unit(
        &mut self,
        key: &Key,
        units: Three<Option<Unit<'a>>>,
        found: &mut Vec<Note>,
    ) -> Option<Vec<Settled>> {
        let brings = |unit: &Option<Unit<'_>>| unit.as_ref().is_some_and(|u| u.widgets.len() > 1);
        if brings(&units.base) || brings(&units.ours) || brings(&units.theirs) {
            return Some(self.choice(key, units, found));
        }
        let side = self.value(&key.0, &units, found);
        match side {
            Kept::Side(side) => Some(of_side(&units, side)),
            Kept::Merged(value) => {
                let unit = units.ours.as_ref().or(units.theirs.as_ref())?;
                let side = if units.ours.is_some() { Side::Ours } else { Side::Theirs };
                let widget = &unit.widgets[0];
                let (name, place) = (widget.name.clone(), widget.place.clone());
                Some(vec![Settled { name, place, value, side }])
            }
        }
    }

    /// A combo with what its choice brings. While nobody changes the choice, each widget
    /// it brought is a widget like any other.
    fn choice(
        &mut self,
        key: &Key,
        units: Three<Option<Unit<'a>>>,
        found: &mut Vec<Note>,
    ) -> Vec<Settled> {
        let names = |unit: &Option<Unit<'a>>| {
            let unit = unit.as_ref()?;
            let names = unit.widgets.iter().map(|w| w.name.clone()).collect::<Vec<_>>();
            Some((unit.widgets[0].value.clone(), names))
        };
        let shape = units.as_ref().map(names);
        if shape.settle() == Outcome::Unchanged && shape.ours.is_some() {
            let count = units.ours.as_ref().map_or(0, |unit| unit.widgets.len());
            let mut settled = Vec::with_capacity(count);
            for at in 0..count {
                let single = units.as_ref().map(|unit| {
                    unit.as_ref().map(|unit| Unit {
                        key: (unit.widgets[at].name.clone(), 0),
                        widgets: vec![unit.widgets[at].clone()],
                        control: unit.widgets.get(at + 1).and_then(control_value),
                    })
                });
                let name = single.ours.as_ref().map(|unit| unit.key.clone());
                let Some(name) = name else { continue };
                settled.extend(self.unit(&name, single, found).into_iter().flatten());
            }
            return settled;
        }
        let values = units.as_ref().map(|unit| unit.as_ref().map(spelled));
        let by_reference = values.as_ref().map(Option::as_ref);
        let outcome = by_reference.settle_values();
        if outcome == Outcome::Apart {
            let name = key.0.as_str().unwrap_or_default();
            let place = Place::Choice(CompactString::new(name));
            found.push(self.conflict(place, values, Class::Values));
        } else if let Some(verdict) = verdict(outcome, by_reference) {
            found.push(Note::Decided(key.0.clone(), verdict));
        }
        of_side(&units, outcome.winner())
    }

    fn value(
        &mut self,
        name: &WidgetName,
        units: &Three<Option<Unit<'a>>>,
        found: &mut Vec<Note>,
    ) -> Kept {
        let values = units.as_ref().map(|unit| unit.as_ref().map(|unit| unit.widgets[0].value));
        let outcome = values.settle_values();
        if outcome != Outcome::Apart {
            if let Some(verdict) = verdict(outcome, values) {
                found.push(Note::Decided(name.clone(), verdict));
            }
            return Kept::Side(outcome.winner());
        }
        let role = [&units.ours, &units.theirs, &units.base].into_iter().flatten();
        let role = role.map(|unit| unit.widgets[0].role).next().unwrap_or_default();
        if matches!(role, Role::Button | Role::Residue | Role::Filter) {
            found.push(Note::Decided(name.clone(), Verdict::Looks));
            return Kept::Side(Side::Ours);
        }
        if let Some((side, verdict)) = self.reroll(units) {
            found.push(Note::Decided(name.clone(), verdict));
            return Kept::Side(side);
        }
        let prose = is_text(role, name, values);
        if prose
            && !self.ledger.insists(Class::Texts)
            && let Three { base: Some(base), ours: Some(ours), theirs: Some(theirs) } =
                values.map(|value| value.and_then(Value::as_str))
            && let Some(text) = text::merge(base, ours, theirs)
        {
            found.push(Note::Decided(name.clone(), Verdict::Words));
            return Kept::Merged(Value::from(text));
        }
        let rolls = units.ours.as_ref().is_some_and(|unit| unit.control.is_some());
        let class = match (rolls || role == Role::Seed, prose) {
            (true, _) => Class::Seeds,
            (_, true) => Class::Texts,
            _ => Class::Values,
        };
        found.push(self.conflict(Place::Widget(name.clone()), values.cloned(), class));
        Kept::Side(Side::Ours)
    }

    /// Which side has a number that somebody chose, if the other merely re-rolled its own;
    /// ours if both re-rolled.
    fn reroll(&self, units: &Three<Option<Unit<'a>>>) -> Option<(Side, Verdict)> {
        if self.ledger.insists(Class::Seeds) {
            return None;
        }
        let fixed = |unit: &Option<Unit<'_>>| Some(unit.as_ref()?.control?.as_str()? == "fixed");
        match (fixed(&units.ours)?, fixed(&units.theirs)?) {
            (false, false) => Some((Side::Ours, Verdict::Rerolled)),
            (true, false) => Some((Side::Ours, Verdict::Chosen(Side::Ours))),
            (false, true) => Some((Side::Theirs, Verdict::Chosen(Side::Theirs))),
            (true, true) => None,
        }
    }

    fn decide(&mut self, name: &WidgetName, verdict: Verdict) {
        let node = Some(self.about.name.clone());
        self.ledger.decide(self.about.scope, node, Place::Widget(name.clone()), verdict);
    }

    fn conflict(&self, place: Place, sides: Three<Option<Value>>, class: Class) -> Note {
        let (scope, node) = (self.about.scope, self.about.name.clone());
        let conflict = Conflict::in_node(scope, node, ConflictKind::BothChanged, place, sides);
        Note::Conflict(conflict, class)
    }

    fn conflict_about_all(self) -> Values {
        let sides = self.values.as_ref().map(|values| match values {
            Values { by_position: None, by_name: None } => None,
            values => Some(values.to_value()),
        });
        self.ledger.apart(self.about.scope, self.about.name.clone(), Place::Widgets, sides);
        self.values.ours.clone()
    }

    /// The settled values in both spellings.
    fn write(&self, settled: Vec<Settled>) -> Values {
        let object =
            |side: Side| matches!(self.values.get(side).by_position, Some(Value::Object(_)));
        let by_name = self.by_name(&settled);
        let by_position = if object(Side::Ours) {
            let members = settled.into_iter().filter_map(|s| match s.place {
                graph::Place::Key(key) => Some((key, s.value)),
                _ => Some((CompactString::new(s.name.as_str()?), s.value)),
            });
            Value::Object(members.collect())
        } else {
            Value::Array(settled.into_iter().map(|s| s.value).collect())
        };
        Values { by_position: Some(by_position), by_name }
    }

    /// The spelling by name: that of the side whose arrangement it is, in step with the
    /// values.
    fn by_name(&self, settled: &[Settled]) -> Option<Value> {
        let copies =
            self.values.as_ref().map(|values| values.by_name.as_ref().and_then(Value::as_object));
        let outcome = copies.map(|copy| copy.is_some()).settle();
        if copies.get(outcome.winner()).is_none() {
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

enum Kept {
    Side(Side),
    Merged(Value),
}

/// A decision or a conflict to be logged, unless there is a conflict about all values.
enum Note {
    Decided(WidgetName, Verdict),
    Conflict(Conflict, Class),
}

fn of_side(units: &Three<Option<Unit<'_>>>, side: Side) -> Vec<Settled> {
    let unit = units.get(side).iter();
    let widgets = unit.flat_map(|unit| &unit.widgets);
    widgets
        .map(|widget| Settled {
            name: widget.name.clone(),
            place: widget.place.clone(),
            value: widget.value.clone(),
            side,
        })
        .collect()
}

/// A unit as one value: of a combo that brings others, all of them by name.
fn spelled(unit: &Unit<'_>) -> Value {
    match unit.widgets.as_slice() {
        [single] => single.value.clone(),
        widgets => {
            let members = widgets.iter().map(|w| (w.name.to_string(), w.value.clone()));
            Value::Object(members.collect())
        }
    }
}

fn control_value<'a>(widget: &Widget<'a>) -> Option<&'a Value> {
    (widget.role == Role::Control).then_some(widget.value)
}

/// Whether a value is merged by words.
fn is_text(role: Role, name: &WidgetName, values: Three<Option<&Value>>) -> bool {
    let unnamed = role == Role::Plain && matches!(name, WidgetName::Position(_));
    let prose = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(text::is_prose);
    role == Role::Text || (unnamed && prose(values.ours) && prose(values.theirs))
}
