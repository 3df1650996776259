// As people write it, after the providers' own pages.
import express from "express";

const { PORT, PROVIDER, API_KEY } = process.env;
const app = express();
app.post("/session", async (req, res) => {
  const answer = await fetch(`${PROVIDER}/v1/single-use-token/realtime_scribe`, {
    method: "POST",
    headers: { "xi-api-key": API_KEY },
  });
  res.json(await answer.json());
});
app.listen(PORT, "127.0.0.1");
