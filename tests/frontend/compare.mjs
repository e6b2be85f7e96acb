// Two prompts, or two documents, held against each other. Pure.

import { createHash } from 'node:crypto'

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Where two values differ, as `path: a -> b`, at most `most` lines. The order of
 * object keys does not count: a prompt is a map from node id to node.
 */
export function differences(a, b, most = 20, path = '', found = []) {
  if (found.length >= most || Object.is(a, b)) return found
  if (isObject(a) && isObject(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const at = path ? `${path}.${key}` : key
      if (!(key in a)) found.push(`${at}: only in the second: ${show(b[key])}`)
      else if (!(key in b)) found.push(`${at}: only in the first: ${show(a[key])}`)
      else differences(a[key], b[key], most, at, found)
    }
    return found
  }
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    a.forEach((item, index) => differences(item, b[index], most, `${path}[${index}]`, found))
    return found
  }
  found.push(`${path}: ${show(a)} -> ${show(b)}`)
  return found
}

function show(value) {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}

/**
 * Whether two prompts are the same but for the ids of their nodes. Each node is
 * told by what it is and by all that feeds it, as the server's cache tells it.
 */
export function alikeButIds(a, b) {
  const [first, second] = [signatures(a), signatures(b)]
  return first.length === second.length && first.every((one, index) => one === second[index])
}

function signatures(prompt) {
  const known = new Map()
  const told = (id) => {
    if (known.has(id)) return known.get(id)
    known.set(id, 'a circle')
    const { inputs, ...rest } = prompt[id]
    const fed = Object.keys(inputs)
      .sort()
      .map((name) => [name, isLink(inputs[name], prompt) ? [told(inputs[name][0]), inputs[name][1]] : inputs[name]])
    const text = JSON.stringify([rest, fed])
    known.set(id, createHash('sha256').update(text).digest('hex'))
    return known.get(id)
  }
  return Object.keys(prompt).map(told).sort()
}

function isLink(value, prompt) {
  return Array.isArray(value) && value.length === 2 && value[0] in prompt
}
