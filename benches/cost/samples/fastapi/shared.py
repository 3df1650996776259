# As people write it who have heard that clients are to be shared.
import os

import httpx
from fastapi import FastAPI

app = FastAPI()
client = httpx.AsyncClient()


@app.post("/session")
async def session():
    url = os.environ["PROVIDER"] + "/v1/single-use-token/realtime_scribe"
    answer = await client.post(url, headers={"xi-api-key": os.environ["API_KEY"]})
    return answer.json()
