// One ComfyUI frontend in one headless browser: starts both, opens files in it,
// and tells what happened. Knows nothing of command lines or comparisons.

import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { defects } from './defects.mjs'
import { serve } from './server.mjs'
import * as inPage from './page.mjs'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The frontend asks hosts of its own for news and model sizes: none is reached.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

/** Files opened in one page before it is loaded anew. */
const PER_PAGE = 40

/** Patience for one file or one start, in milliseconds. */
const PATIENCE = 60_000

/** Console errors that the harness itself causes, by being no real server. */
const OWN_NOISE = [/^Failed to load resource/, /accessed before initialization/, /WebGL/, /legacy queue\/history menu/]

/** Answers the websocket as an idle server does. */
function answerSocket(socket) {
  const status = { exec_info: { queue_remaining: 0 } }
  socket.send(JSON.stringify({ type: 'status', data: { status, sid: 'harness' } }))
}

export class Frontend {
  #server
  #browser
  #context
  #page
  #errors = []

  /** `home`: a folder made by prepare.sh; `version`: a frontend in it. */
  static async start({ home, version, catalog, replacements }) {
    const self = new Frontend()
    const { chromium } = createRequire(join(home, 'package.json'))('playwright-core')
    self.#server = await serve({ statics: join(home, version), catalog, replacements, version })
    self.#browser = await chromium.launch({ executablePath: join(home, 'chromium'), args: FLAGS })
    self.#context = await self.#browser.newContext({
      viewport: { width: 1280, height: 720 },
      locale: 'en-US',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
    })
    await self.#context.routeWebSocket(/\/ws(\?|$)/, answerSocket)
    self.#context.setDefaultTimeout(PATIENCE)
    return self
  }

  async stop() {
    await this.#browser.close()
    await this.#server.close()
  }

  /** API paths the frontend asked for and `server.mjs` does not know. */
  get unknown() {
    return [...this.#server.unknown]
  }

  /** Opens every file in turn; gives one result per file, in order. */
  async *openAll(files) {
    for (let at = 0; at < files.length; at += PER_PAGE) {
      const batch = files.slice(at, at + PER_PAGE).map((file, index) => ({ file, path: `workflows/${index}.json` }))
      const shelf = this.#server.userData.files
      shelf.clear()
      this.#server.userData.written.clear()
      for (const { file, path } of batch) shelf.set(path, readFileSync(file, 'utf8'))
      await this.#freshPage()
      for (const { file, path } of batch) {
        const given = shelf.get(path)
        const result = await this.#openOne(path)
        yield { file, ...result, ...this.#savedAs(path, given) }
      }
    }
  }

  async #freshPage() {
    await this.#page?.close()
    this.#page = await this.#context.newPage()
    this.#page.on('pageerror', (error) => this.#errors.push(`exception: ${error.message}`))
    this.#page.on('console', (message) => {
      if (message.type() === 'error') this.#errors.push(message.text().slice(0, 300))
    })
    await this.#page.goto(this.#server.url)
    await this.#page.waitForFunction(inPage.ready)
  }

  async #openOne(path) {
    if (this.#page.isClosed()) await this.#freshPage()
    this.#errors = []
    const started = Date.now()
    const opened = await this.#answer(inPage.openSavePrompt, path)
    if (opened.failure) {
      // A page that gave no answer may be stuck: the next file gets another.
      const seen = opened.stuck ? {} : await this.#answer(inPage.complaints)
      await this.#page.close()
      return { opened: false, failure: opened.failure, ...seen.value, errors: this.#ownErrors() }
    }
    const result = opened.value
    const seen = (await this.#answer(inPage.complaints)).value ?? {}
    if (seen.dialogs?.length) await this.#page.keyboard.press('Escape')
    const sound = result.opened ? await this.#sound(result) : result
    return { ...sound, ...seen, errors: this.#ownErrors(), milliseconds: Date.now() - started }
  }

  /** Asks the page, with patience: `{ value }`, or `{ failure, stuck }`. */
  async #answer(question, argument) {
    const late = Symbol('late')
    let timer
    const patience = new Promise((done) => (timer = setTimeout(done, PATIENCE, late)))
    try {
      const value = await Promise.race([this.#page.evaluate(question, argument), patience])
      return value === late ? { failure: `no answer in ${PATIENCE} ms`, stuck: true } : { value }
    } catch (error) {
      return { failure: error.message.split('\n')[0], stuck: false }
    } finally {
      clearTimeout(timer)
    }
  }

  #ownErrors() {
    return this.#errors.filter((text) => !OWN_NOISE.some((noise) => noise.test(text)))
  }

  /** What is wrong with the file once opened, and after some work on it. */
  async #sound({ plain, ...result }) {
    const worked = await this.#answer(inPage.workOn)
    const after = worked.failure ? [worked.failure] : defects(JSON.parse(worked.value))
    return { ...result, defects: defects(JSON.parse(plain)), worked: after }
  }

  /** What Save wrote for `path`: a graph in app mode is renamed to `*.app.json`. */
  #savedAs(path, given) {
    const files = this.#server.userData
    const renamed = path.replace(/\.json$/, '.app.json')
    const name = files.written.has(renamed) ? renamed : path
    if (!files.written.has(name)) return { saved: null }
    const saved = files.files.get(name)
    return { saved, saved_same: saved === given }
  }
}
