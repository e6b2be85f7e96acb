// What is asked of the frontend from inside its own page. These functions are
// sent to the browser as text, so each stands alone and names nothing outside.

/** True once the frontend has started and shows its first workflow. */
export function ready() {
  const app = window.app
  return Boolean(app?.vueAppReady && app.extensionManager?.workflow?.activeWorkflow && app.rootGraph)
}

/**
 * Opens `path` (below `user/default`) as a click in the workflow list does, saves
 * it with the Save command, and asks for the prompt that Run would queue.
 *
 * Chance and the clock stand still while the prompt is made: `{a|b}` in a text
 * and `%date%` in a file name are resolved there. Chance is a constant, not a
 * sequence, so that the order of the nodes decides nothing.
 */
export async function openSavePrompt(path) {
  const app = window.app
  const store = app.extensionManager.workflow
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  const result = { opened: false }

  const workflow = store.getWorkflowByPath(path)
  if (!workflow) throw new Error(`the workflow list does not show ${path}`)
  await workflow.load()
  await app.loadGraphData(JSON.parse(JSON.stringify(workflow.activeState)), true, true, workflow, {
    checkForRerouteMigration: false,
    deferWarnings: true,
    skipAssetScans: false,
  })
  await frame()
  const active = store.activeWorkflow
  result.opened = active === workflow || active?.path === path
  if (!result.opened) return result

  const graphs = [app.rootGraph, ...app.rootGraph.subgraphs.values()]
  result.nodes = graphs.map((graph) => graph._nodes.length)
  result.links = graphs.map((graph) => graph._links?.size ?? graph.links?.size ?? 0)
  result.reroutes = graphs.map((graph) => graph.reroutes?.size ?? 0)
  result.groups = graphs.map((graph) => graph._groups?.length ?? 0)
  result.positions = app.rootGraph._nodes.map((node) => [String(node.id), ...node.pos, ...node.size])
  result.view = [app.canvas.ds.scale, ...app.canvas.ds.offset]

  await app.extensionManager.command.execute('Comfy.SaveWorkflow')

  const RealDate = window.Date
  const realRandom = Math.random
  const fixed = RealDate.UTC(2026, 10, 22, 12, 0, 0)
  Math.random = () => 0.5
  window.Date = class extends RealDate {
    constructor(...parts) {
      super(...(parts.length ? parts : [fixed]))
    }
    static now() {
      return fixed
    }
  }
  try {
    const { output, workflow: embedded } = await app.graphToPrompt()
    result.prompt = output
    result.embedded = JSON.stringify(embedded)
    result.plain = JSON.stringify(app.rootGraph.serialize())
  } finally {
    window.Date = RealDate
    Math.random = realRandom
  }

  // A subgraph can be broken only inside: enter each as a double click does.
  result.inside = []
  for (const subgraph of app.rootGraph.subgraphs.values()) {
    const seen = { id: subgraph.id, nodes: subgraph._nodes.length }
    try {
      app.canvas.openSubgraph?.(subgraph) ?? app.canvas.setGraph(subgraph)
      app.canvas.draw(true, true)
      seen.shown = app.canvas.graph === subgraph
      seen.inputs = [...subgraph.inputNode.boundingRect]
      seen.outputs = [...subgraph.outputNode.boundingRect]
    } catch (error) {
      seen.failure = error.message
    }
    result.inside.push(seen)
  }
  app.canvas.setGraph(app.rootGraph)
  return result
}

/**
 * Works on the open workflow as a person would, in every graph: draws a wire anew,
 * adds a node, deletes a node that feeds others. Gives what Save would then write.
 * A file can open and run well and still break here: its counters and the links
 * that its outputs list are not used before.
 */
export function workOn() {
  const app = window.app
  const byId = (a, b) => Number(a.id) - Number(b.id)
  for (const graph of [app.rootGraph, ...app.rootGraph.subgraphs.values()]) {
    const nodeOf = (id) => graph.getNodeById(id)
    const links = [...graph.links.values()].sort(byId)
    const wire = links.find((link) => nodeOf(link.origin_id) && nodeOf(link.target_id))
    if (wire) {
      const [from, to] = [nodeOf(wire.origin_id), nodeOf(wire.target_id)]
      const [out, into] = [wire.origin_slot, wire.target_slot]
      to.disconnectInput(into)
      from.connect(out, to, into)
    }
    const added = window.LiteGraph.createNode('Reroute')
    graph.add(added)
    const feeding = [...graph._nodes].sort(byId).find((node) => node.outputs?.some((output) => output.links?.length))
    if (feeding) {
      feeding.connect(feeding.outputs.findIndex((output) => output.links?.length), added, 0)
      graph.remove(feeding)
    }
  }
  return JSON.stringify(app.rootGraph.serialize())
}

/** What the person sees of trouble: dialogs and toasts, as text; closes them. */
export function complaints() {
  const text = (element) => element.innerText.replace(/\s+/g, ' ').trim().slice(0, 300)
  const all = (selector) => [...document.querySelectorAll(selector)].map(text).filter(Boolean)
  const found = { dialogs: all('[role="dialog"]'), toasts: all('.p-toast-message, [data-sonner-toast]') }
  window.app.extensionManager.dialog?.closeDialog?.()
  window.app.extensionManager.toast?.removeAll?.()
  return found
}
