// Ways to take something out of a workflow file, or to write it differently.
// Each changes the document in place; what a variation leaves alone is not
// opened for it. `probe.mjs` asks the frontend what each one costs.

const definitions = (w) => w.definitions?.subgraphs ?? []
const graphs = (w) => [w, ...definitions(w)]
const nodes = (w) => graphs(w).flatMap((graph) => graph.nodes ?? [])
const inputs = (w) => nodes(w).flatMap((node) => node.inputs ?? [])
const outputs = (w) => nodes(w).flatMap((node) => node.outputs ?? [])
const groups = (w) => graphs(w).flatMap((graph) => graph.groups ?? [])
const reroutes = (w) => graphs(w).flatMap((graph) => [...(graph.reroutes ?? []), ...(graph.extra?.reroutes ?? [])])
const boundarySlots = (w) => definitions(w).flatMap((d) => [...(d.inputs ?? []), ...(d.outputs ?? [])])

const drop = (items, key) => items.forEach((item) => delete item[key])
const set = (items, key, value) => items.forEach((item) => (item[key] = structuredClone(value)))

const linkId = (link) => (Array.isArray(link) ? link[0] : link.id)
const byId = (a, b) => Number(a.id) - Number(b.id)
const byText = (a, b) => (String(a.id) < String(b.id) ? -1 : 1)

function sortBy(w, list, order) {
  for (const graph of graphs(w)) graph[list]?.sort(order)
}

function reversed(value) {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  )
}

function reverseKeys(w) {
  const turned = reversed(w)
  for (const key of Object.keys(w)) delete w[key]
  Object.assign(w, turned)
}

/** Name to variation, in the order in which they are told. */
export const VARIATIONS = {
  'group bounding missing': (w) => drop(groups(w), 'bounding'),
  'group bounding [0,0,140,80]': (w) => set(groups(w), 'bounding', [0, 0, 140, 80]),
  'group id missing': (w) => drop(groups(w), 'id'),
  'group flags missing': (w) => drop(groups(w), 'flags'),
  'reroute pos missing': (w) => drop(reroutes(w), 'pos'),
  'reroute pos [0,0]': (w) => set(reroutes(w), 'pos', [0, 0]),
  'inputs[].pos missing': (w) => drop(inputs(w), 'pos'),
  'outputs[].pos missing': (w) => drop(outputs(w), 'pos'),
  'definition slot pos missing': (w) => drop(boundarySlots(w), 'pos'),
  'definition boxes [0,0,120,60]': (w) => {
    for (const d of definitions(w)) {
      d.inputNode.bounding = [0, 0, 120, 60]
      d.outputNode.bounding = [0, 0, 120, 60]
    }
  },
  'slot_index missing': (w) => drop([...inputs(w), ...outputs(w)], 'slot_index'),
  'showAdvanced missing': (w) => drop(nodes(w), 'showAdvanced'),
  'workflowRendererVersion missing': (w) => graphs(w).forEach((g) => delete g.extra?.workflowRendererVersion),
  'flags missing': (w) => drop(nodes(w), 'flags'),
  'flags {}': (w) => set(nodes(w), 'flags', {}),
  'mode 0 missing': (w) => drop(nodes(w).filter((n) => n.mode === 0), 'mode'),
  'order missing': (w) => drop(nodes(w), 'order'),
  'pos missing': (w) => drop(nodes(w), 'pos'),
  'size missing': (w) => drop(nodes(w), 'size'),
  'pos, size, flags, order, ds missing': (w) => {
    for (const key of ['pos', 'size', 'flags', 'order']) drop(nodes(w), key)
    delete w.extra?.ds
  },
  'localized_name missing': (w) => drop([...inputs(w), ...outputs(w), ...boundarySlots(w)], 'localized_name'),
  'widgets_values_named missing': (w) => drop(nodes(w), 'widgets_values_named'),
  'outputs[].links missing': (w) => drop(outputs(w), 'links'),
  'outputs[].links null to []': (w) => set(outputs(w).filter((o) => o.links === null), 'links', []),
  'outputs[].links [] to null': (w) => set(outputs(w).filter((o) => o.links?.length === 0), 'links', null),
  'outputs[].links sorted': (w) => outputs(w).forEach((o) => o.links?.sort((a, b) => a - b)),
  'outputs[].links reversed': (w) => outputs(w).forEach((o) => o.links?.reverse()),
  'inputs[].link null missing': (w) => drop(inputs(w).filter((i) => i.link === null), 'link'),
  'linkIds sorted': (w) => boundarySlots(w).forEach((slot) => slot.linkIds?.sort((a, b) => a - b)),
  'linkIds reversed': (w) => boundarySlots(w).forEach((slot) => slot.linkIds?.reverse()),
  'links sorted by id': (w) => sortBy(w, 'links', (a, b) => linkId(a) - linkId(b)),
  'links reversed': (w) => graphs(w).forEach((graph) => graph.links?.reverse()),
  'nodes sorted by id': (w) => sortBy(w, 'nodes', byId),
  'nodes reversed': (w) => graphs(w).forEach((graph) => graph.nodes?.reverse()),
  'groups sorted by id': (w) => sortBy(w, 'groups', byId),
  'definitions sorted by id': (w) => definitions(w).sort(byText),
  'definitions reversed': (w) => definitions(w).reverse(),
  'keys of every object reversed': reverseKeys,
  'id missing': (w) => delete w.id,
  'revision missing': (w) => delete w.revision,
  'extra.frontendVersion missing': (w) => delete w.extra?.frontendVersion,
  'config missing': (w) => delete w.config,
  'groups [] missing': (w) => w.groups?.length === 0 && delete w.groups,
  'extra missing when nothing but ds': (w) => Object.keys(w.extra ?? {}).every((k) => k === 'ds') && delete w.extra,
  'definition revision missing': (w) => drop(definitions(w), 'revision'),
  'definition version missing': (w) => drop(definitions(w), 'version'),
  'definition state missing': (w) => drop(definitions(w), 'state'),
  'definition config missing': (w) => drop(definitions(w), 'config'),
  'definition widgets missing': (w) => drop(definitions(w), 'widgets'),
  'definition extra missing': (w) => drop(definitions(w), 'extra'),
  'last_node_id, last_link_id true maxima': (w) => {
    const ids = nodes(w).map((n) => Number(n.id)).filter(Number.isFinite)
    const links = graphs(w).flatMap((graph) => [...(graph.links ?? []), ...(graph.floatingLinks ?? [])]).map(linkId)
    w.last_node_id = Math.max(0, ...ids)
    w.last_link_id = Math.max(0, ...links)
    for (const d of definitions(w)) Object.assign(d.state, { lastNodeId: w.last_node_id, lastLinkId: w.last_link_id })
  },
  'last_link_id, lastLinkId missing': (w) => {
    delete w.last_link_id
    definitions(w).forEach((d) => delete d.state?.lastLinkId)
  },
  'floatingLinks reversed': (w) => graphs(w).forEach((graph) => graph.floatingLinks?.reverse()),
  'reroutes sorted by id': (w) => graphs(w).forEach((g) => (g.reroutes?.sort(byId), g.extra?.reroutes?.sort(byId))),
  'reroutes reversed': (w) => graphs(w).forEach((g) => (g.reroutes?.reverse(), g.extra?.reroutes?.reverse())),
  'reroute linkIds missing': (w) => drop(reroutes(w), 'linkIds'),
  'linkExtensions reversed': (w) => w.extra?.linkExtensions?.reverse(),
}
