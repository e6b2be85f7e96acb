// What is wrong with a workflow document, as text: what would make ComfyUI run it
// wrongly, fail, or overwrite a wire later. Pure.

const linkOf = (link) =>
  Array.isArray(link)
    ? { id: link[0], from: link[1], out: link[2], to: link[3], into: link[4] }
    : { id: link.id, from: link.origin_id, out: link.origin_slot, to: link.target_id, into: link.target_slot }

function doubled(ids, what, found) {
  const seen = new Set()
  for (const id of ids) {
    if (seen.has(id)) found.push(`${what} ${id} is there twice`)
    seen.add(id)
  }
}

function defectsOfGraph(graph, where, found) {
  const nodes = new Map(graph.nodes.map((node) => [String(node.id), node]))
  const links = (graph.links ?? []).map(linkOf)
  const byId = new Map(links.map((link) => [link.id, link]))
  doubled(graph.nodes.map((node) => node.id), `${where}: node`, found)
  doubled(links.map((link) => link.id), `${where}: link`, found)
  for (const { id, from, to, into, out } of links) {
    const boundary = (end) => Number(end) === -10 || Number(end) === -20
    if (!nodes.has(String(from)) && !boundary(from)) found.push(`${where}: link ${id} comes from no node`)
    if (!nodes.has(String(to)) && !boundary(to)) found.push(`${where}: link ${id} goes to no node`)
    const input = nodes.get(String(to))?.inputs?.[into]
    if (nodes.has(String(to)) && input?.link !== id) found.push(`${where}: the input of link ${id} does not name it`)
    const output = nodes.get(String(from))?.outputs?.[out]
    if (nodes.has(String(from)) && !output?.links?.includes(id)) found.push(`${where}: the output of link ${id} does not name it`)
  }
  for (const node of graph.nodes) {
    for (const input of node.inputs ?? []) {
      if (input.link != null && !byId.has(input.link)) found.push(`${where}: node ${node.id} ${input.name} names no link`)
    }
    for (const output of node.outputs ?? []) {
      for (const id of output.links ?? []) {
        if (!byId.has(id)) found.push(`${where}: node ${node.id} output ${output.name} names no link`)
      }
    }
  }
}

/** Every defect of a 0.4 workflow and its subgraph definitions. */
export function defects(workflow) {
  const found = []
  const definitions = workflow.definitions?.subgraphs ?? []
  defectsOfGraph(workflow, 'root', found)
  for (const definition of definitions) defectsOfGraph(definition, definition.name, found)
  const known = new Set(definitions.map((definition) => definition.id))
  const uuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/
  for (const graph of [workflow, ...definitions]) {
    for (const node of graph.nodes) {
      if (uuid.test(node.type) && !known.has(node.type)) found.push(`node ${node.id} is of a definition that is not there`)
    }
  }
  return found
}
