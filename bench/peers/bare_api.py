"""The bare accept path: FastAPI, one worker, a body that is read and counted, 202 with a small answer. No signature, no
bus, no database: the most that this framework can do for a POST.

    python -m bench.peers.bare_api PORT
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.post("/v1/messages", status_code=202)
async def submit(request: Request) -> Response:
    body = await request.body()
    return Response(b'{"bytes": %d}' % len(body), 202, media_type="application/json")


@app.get("/livez")
async def livez() -> dict[str, bool]:
    return {"alive": True}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
