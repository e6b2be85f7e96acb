// A ComfyUI server as far as its frontend can tell: the frontend's own static
// files, and of the API what it asks for while it starts, opens and saves
// workflows. Nothing is ever executed. Loopback only.
//
// Knows nothing of browsers; `frontend.mjs` drives those, and answers the websocket.

import { createServer } from 'node:http'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
}

/** What a person's settings file says: past the tour, no drafts, else defaults. */
function settings(version) {
  return {
    'Comfy.TutorialCompleted': true,
    'Comfy.InstalledVersion': version,
    'Comfy.Release.Status': "what's new seen",
    'Comfy.Release.Version': version,
    'Comfy.Release.Timestamp': 4102444800000,
    // A draft kept from one opening would be shown at the next one.
    'Comfy.Workflow.Persist': false,
    'Comfy.Workflow.AutoSave': 'off',
    'Comfy.Locale': 'en',
  }
}

const FEATURES = {
  supports_preview_metadata: true,
  supports_model_type_tags: true,
  max_upload_size: 104857600,
  node_replacements: true,
  assets: false,
}

function systemStats(version) {
  return {
    system: {
      os: 'linux',
      ram_total: 1,
      ram_free: 1,
      comfyui_version: '0.33.0',
      required_frontend_version: version,
      installed_templates_version: null,
      required_templates_version: null,
      comfy_package_versions: [],
      python_version: '3',
      pytorch_version: '2',
      embedded_python: false,
      deploy_environment: 'local-git',
      argv: ['main.py'],
    },
    devices: [
      { name: 'cpu', type: 'cpu', index: null, vram_total: 1, vram_free: 1, torch_vram_total: 1, torch_vram_free: 1 },
    ],
  }
}

/** The answers that never change, by path without `/api`. */
function constantAnswers({ catalog, replacements, version }) {
  return {
    '/object_info': catalog,
    '/system_stats': systemStats(version),
    '/features': FEATURES,
    '/node_replacements': replacements,
    '/users': { storage: 'server', migrated: true },
    '/extensions': [],
    '/embeddings': [],
    '/models': [],
    '/experiment/models': [],
    '/global_subgraphs': {},
    '/workflow_templates': {},
    '/i18n': {},
    '/jobs': { jobs: [], pagination: { offset: 0, limit: 200, total: 0, has_more: false } },
    '/queue': { queue_running: [], queue_pending: [] },
    '/prompt': { exec_info: { queue_remaining: 0 } },
    '/history': {},
    '/internal/logs': '',
    '/internal/logs/raw': { entries: [], size: { cols: 80, rows: 24 } },
    '/internal/folder_paths': {},
    '/internal/files/input': [],
    '/internal/files/output': [],
    '/internal/files/temp': [],
    '/view_metadata': {},
    '/assets': { assets: [], total: 0, has_more: false },
    '/tags': { tags: [], total: 0, has_more: false },
    '/releases': [],
  }
}

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

function send(response, status, value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(text)
}

async function sendFile(response, root, path) {
  const file = normalize(join(root, path === '/' ? 'index.html' : decodeURIComponent(path)))
  const inside = file.startsWith(normalize(root + sep))
  const found = inside && (await stat(file).catch(() => null))
  if (!found || !found.isFile()) return false
  const name = extname(file)
  const lasting = path === '/' ? 'no-store' : 'max-age=86400'
  response.writeHead(200, {
    'content-type': TYPES[name] ?? 'application/octet-stream',
    'content-length': found.size,
    'cache-control': lasting,
  })
  createReadStream(file).pipe(response)
  return true
}

/** A person's files on the server, in memory: path below `user/default` to text. */
class UserData {
  files = new Map()
  /** Paths that the frontend has written. */
  written = new Set()
  settings

  constructor(version) {
    this.settings = settings(version)
  }

  info(path) {
    const text = this.files.get(path)
    return { path, size: Buffer.byteLength(text), modified: 1, created: 1 }
  }

  list(query) {
    const dir = query.get('dir') ?? ''
    const below = [...this.files.keys()].filter((path) => path.startsWith(dir + '/'))
    if (query.get('full_info') !== 'true') return below.map((path) => path.slice(dir.length + 1))
    return below.map((path) => ({ ...this.info(path), path: path.slice(dir.length + 1) }))
  }

  async answer(request, response, path, query) {
    if (path === '') return send(response, 200, this.list(query))
    const [name, moved] = path.split('/move/').map(decodeURIComponent)
    if (request.method === 'GET') {
      const text = this.files.get(name)
      return text === undefined ? send(response, 404, {}) : send(response, 200, text)
    }
    if (request.method === 'POST' && moved) {
      this.files.set(moved, this.files.get(name))
      this.files.delete(name)
      return send(response, 200, query.get('full_info') === 'true' ? this.info(moved) : JSON.stringify(moved))
    }
    if (request.method === 'POST') {
      this.written.add(name)
      this.files.set(name, await bodyOf(request))
      return send(response, 200, query.get('full_info') === 'true' ? this.info(name) : JSON.stringify(name))
    }
    if (request.method === 'DELETE') this.files.delete(name)
    return send(response, 204, '')
  }

  async answerSettings(request, response, path) {
    if (request.method === 'GET') return send(response, 200, path === '' ? this.settings : (this.settings[path] ?? null))
    const value = JSON.parse(await bodyOf(request))
    Object.assign(this.settings, path === '' ? value : { [path]: value })
    return send(response, 200, {})
  }
}

/**
 * Starts it on a free loopback port.
 *
 * `statics`: the frontend's static folder; `catalog`: an `/object_info` answer;
 * `replacements`: a `/node_replacements` answer; `version`: of the frontend.
 * Gives `{ url, userData, unknown, close }`; `unknown` collects API paths asked
 * for and not known here.
 */
export async function serve({ statics, catalog, replacements = {}, version }) {
  const userData = new UserData(version)
  const unknown = new Set()
  const constants = constantAnswers({ catalog: JSON.stringify(catalog), replacements, version })

  async function answer(request, response) {
    const url = new URL(request.url, 'http://localhost')
    const { pathname, searchParams } = url
    const isApi = pathname.startsWith('/api/')
    if (!isApi && (await sendFile(response, statics, pathname))) return
    const path = isApi ? pathname.slice(4) : pathname
    if (path === '/userdata' || path.startsWith('/userdata/')) {
      return userData.answer(request, response, path.slice('/userdata/'.length), searchParams)
    }
    if (path === '/settings' || path.startsWith('/settings/')) {
      return userData.answerSettings(request, response, decodeURIComponent(path.slice('/settings/'.length)))
    }
    if (path in constants) return send(response, 200, constants[path])
    if (path.startsWith('/models/') || path.startsWith('/experiment/models/')) return send(response, 200, [])
    if (path.startsWith('/upload/')) return send(response, 200, { name: 'upload.png', subfolder: '', type: 'input' })
    unknown.add(`${request.method} ${pathname}`)
    send(response, 404, {})
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      unknown.add(`${request.method} ${request.url}: ${error.message}`)
      if (!response.headersSent) send(response, 500, {})
    })
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  const close = () =>
    new Promise((done) => {
      server.closeAllConnections()
      server.close(done)
    })
  return { url: `http://127.0.0.1:${server.address().port}/`, userData, unknown, close }
}
