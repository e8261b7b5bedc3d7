"""The bot that many servers have: it looks for a few words in every message, and does nothing else.

    keywords.py API MESSAGES

API is a fake of Discord, such as http://127.0.0.1:4000; the token is in DISCORD_TOKEN. It says "done" after so many
messages.
"""

import os
import sys

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

api, messages = sys.argv[1], int(sys.argv[2])
Route.BASE = f"{api}/api/v10"
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(api.replace("http", "ws", 1) + "/gateway")

# The fake compresses for nobody.
connect = DiscordWebSocket.from_client.__func__
DiscordWebSocket.from_client = classmethod(
    lambda cls, client, **how: connect(cls, client, **{**how, "compress": False})
)

WORDS = [
    "kill myself", "suicide", "suicidal", "want to die", "end my life",
    "end it all", "self harm", "hurt myself", "no reason to live", "better off dead",
]


class Bot(discord.Client):
    read = 0
    found = 0

    async def on_message(self, message):
        text = message.content.lower()
        if any(word in text for word in WORDS):
            self.found += 1
        self.read += 1
        if self.read == messages:
            print("done", flush=True)


intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
Bot(intents=intents).run(os.environ["DISCORD_TOKEN"], log_handler=None)
