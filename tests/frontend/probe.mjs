// What does a key cost? Opens every file as it is and in each variation, and
// sums up what the frontend made of it: one line of the report per variation.
//
//   node probe.mjs [options] [--only TEXT] FILE...

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'

import { differences } from './compare.mjs'
import { OPTIONS, listed, start } from './options.mjs'
import { VARIATIONS } from './variations.mjs'

/** `nodes[3].inputs[0].pos[1]` is told as `nodes[].inputs[].pos[]`. */
const place = (difference) => difference.split(': ')[0].replace(/\[\d+\]/g, '[]').replace(/[0-9a-f-]{36}/g, '<id>')

function count(map, key) {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** The variants of `files` on disk: `{ name, original, file }` of each that differs. */
function variants(files, folder, only) {
  const made = []
  for (const original of files) {
    const text = readFileSync(original, 'utf8')
    for (const [name, vary] of Object.entries(VARIATIONS)) {
      if (only && !name.includes(only)) continue
      const workflow = JSON.parse(text)
      if (!Array.isArray(workflow.nodes)) continue
      vary(workflow)
      const changed = JSON.stringify(workflow)
      if (changed === JSON.stringify(JSON.parse(text))) continue
      const file = join(folder, `${made.length}-${basename(original)}`)
      writeFileSync(file, changed)
      made.push({ name, original, file })
    }
  }
  return made
}

function judge(row, before, after, original) {
  row.files += 1
  if (after.opened) row.opened += 1
  const prompt = differences(before.prompt ?? null, after.prompt ?? null)
  if (after.opened && prompt.length === 0) row.same += 1
  else if (row.prompts.length < 5) row.prompts.push(`${basename(original)}: ${prompt[0] ?? after.failure}`)
  const inside = after.inside?.filter((one) => one.failure || !one.shown) ?? []
  if (inside.length) row.inside += 1
  for (const kind of ['errors', 'dialogs', 'defects', 'worked']) {
    const fresh = (after[kind] ?? []).filter((text) => !(before[kind] ?? []).includes(text))
    for (const text of fresh) count(row.trouble, `${kind}: ${text.replace(/\d+/g, 'n').slice(0, 100)}`)
  }
  if (before.saved && after.saved) {
    const saves = differences(JSON.parse(before.saved), JSON.parse(after.saved), 2000)
    if (saves.length === 0) row.saves += 1
    for (const where of new Set(saves.map(place))) count(row.saved, where)
    if (saves.length === 0 && before.saved !== after.saved) row.keyOrder += 1
  }
}

const { values: options, positionals } = parseArgs({
  options: { ...OPTIONS, only: { type: 'string' } },
  allowPositionals: true,
})
const folder = mkdtempSync(join(tmpdir(), 'probe-'))
const frontend = await start(options)
try {
  const files = listed(positionals)
  const before = new Map()
  for await (const result of frontend.openAll(files)) before.set(result.file, result)
  const made = variants(files, folder, options.only)
  const rows = new Map()
  const byFile = new Map(made.map((one) => [one.file, one]))
  for await (const after of frontend.openAll(made.map((one) => one.file))) {
    const { name, original } = byFile.get(after.file)
    if (!rows.has(name)) {
      rows.set(name, { files: 0, opened: 0, same: 0, saves: 0, keyOrder: 0, inside: 0, prompts: [], trouble: new Map(), saved: new Map() })
    }
    judge(rows.get(name), before.get(original), after, original)
  }
  for (const name of Object.keys(VARIATIONS)) {
    const row = rows.get(name)
    if (!row) continue
    const most = (map) => Object.fromEntries([...map].sort((a, b) => b[1] - a[1]).slice(0, 8))
    console.log(JSON.stringify({ variation: name, ...row, trouble: most(row.trouble), saved: most(row.saved) }))
  }
} finally {
  await frontend.stop()
  rmSync(folder, { recursive: true })
}
