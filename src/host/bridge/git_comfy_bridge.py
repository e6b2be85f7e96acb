"""git-comfy's bridge: notes which runs happened, so that git-comfy can record them.

Put here by `git comfy bridge install`; `git comfy bridge uninstall` takes it away again.
It brings no node. When a run ends it writes one file into a folder of the repository; all
of that happens in a thread of its own, and whatever goes wrong there is dropped: ComfyUI
is never slowed down and never fails because of it.
"""

import json
import os
import queue
import threading
import time

NODE_CLASS_MAPPINGS = {}

SPOOL = "@SPOOL@"
# Files that may wait. Somebody who never runs git-comfy again must not fill a disk.
MOST_FILES = 5000
MOST_EVENTS = 20000

_waiting = queue.Queue(maxsize=100000)
_events = {}


def _saw(event, data):
    """Called wherever ComfyUI tells its clients something: must be quick and must not fail."""
    try:
        if event in ("executing", "execution_success", "execution_error", "execution_interrupted"):
            _waiting.put_nowait((time.time() * 1000.0, event, data.get("prompt_id"), data.get("node")))
    except Exception:
        pass


def _write(prompt_id, entry, events):
    name = "".join(c for c in str(prompt_id) if c.isalnum() or c in "-_")
    if not name or len(os.listdir(SPOOL)) >= MOST_FILES:
        return
    text = json.dumps({"format": 1, "id": prompt_id, "history": entry, "events": events}, default=str)
    part = os.path.join(SPOOL, name + ".part")
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, os.path.join(SPOOL, name + ".json"))


def _finish(prompt_id, history):
    events = _events.pop(prompt_id, [])
    entry = (history(prompt_id) or {}).get(prompt_id)
    if entry is not None and os.path.isdir(SPOOL):
        _write(prompt_id, entry, events)


def _work(history):
    while True:
        try:
            at, event, prompt_id, node = _waiting.get()
            if event == "done":
                _finish(prompt_id, history)
                continue
            if prompt_id is None:
                continue
            if len(_events) > 1000:
                _events.clear()
            events = _events.setdefault(prompt_id, [])
            if len(events) < MOST_EVENTS:
                events.append([at, event, node])
        except Exception:
            pass


def _install():
    from server import PromptServer

    server = PromptServer.instance
    tasks = server.prompt_queue
    send, done = server.send_sync, tasks.task_done

    def send_sync(event, data, *args, **kwargs):
        if isinstance(event, str) and isinstance(data, dict):
            _saw(event, data)
        return send(event, data, *args, **kwargs)

    def task_done(item_id, *args, **kwargs):
        prompt_id = None
        try:
            prompt_id = tasks.currently_running[item_id][1]
        except Exception:
            pass
        result = done(item_id, *args, **kwargs)
        try:
            if prompt_id is not None:
                _waiting.put_nowait((time.time() * 1000.0, "done", prompt_id, None))
        except Exception:
            pass
        return result

    server.send_sync, tasks.task_done = send_sync, task_done
    history = lambda prompt_id: tasks.get_history(prompt_id=prompt_id)
    threading.Thread(target=_work, args=(history,), name="git-comfy", daemon=True).start()


try:
    _install()
except Exception:
    pass
