# As people write it first.
import os

import httpx
from fastapi import FastAPI

app = FastAPI()


@app.post("/session")
async def session():
    url = os.environ["PROVIDER"] + "/v1/single-use-token/realtime_scribe"
    async with httpx.AsyncClient() as client:
        answer = await client.post(url, headers={"xi-api-key": os.environ["API_KEY"]})
    return answer.json()
