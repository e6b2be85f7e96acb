// Finds nodes by title, id, type and values. Pure: lists in, lists out.

/** So begins what is plugged into an input. */
const PLUGGED = '\u2190 '

/** Every node of every canvas once, with the words it can be found by; not what is plugged in. */
export function searchIndex(canvases) {
  const entries = []
  canvases.forEach((canvas, at) => {
    const known = new Set()
    for (const item of canvas.items) {
      if (item.kind !== 'node' && item.kind !== 'note') continue
      const key = `${item.id} ${item.views === 1}`
      if (known.has(key)) continue
      known.add(key)
      const facts = (item.facts ?? []).filter(([, value]) => !value.startsWith(PLUGGED)).map(([name, value]) => `${name} ${value}`).join('\n')
      entries.push({ canvas: at, item, words: `${item.name ?? ''} #${item.id}\n${facts}`.toLowerCase() })
    }
  })
  return entries
}

/** The nodes that have all words of a query; those whose title has them come first. */
export function search(entries, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const found = entries.filter((entry) => words.every((word) => entry.words.includes(word)))
  const inTitle = (entry) => words.every((word) => entry.words.split('\n', 1)[0].includes(word))
  const [first, rest] = [found.filter(inTitle), found.filter((entry) => !inTitle(entry))]
  return [...first, ...rest]
}

/** The next place in a list of some length, round and round. */
export function step(at, by, length) {
  if (length === 0) return -1
  if (at < 0) return by > 0 ? 0 : length - 1
  return (at + by + length) % length
}
