// Two prompts, or two documents, held against each other. Pure.

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
