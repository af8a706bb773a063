"""A FastMCP 4 server of the skills in a folder, over stdin and stdout.

    python skills_server.py FOLDER

It declares `io.modelcontextprotocol/skills`, and has `skills/list` and `skills/get` in revision 2026-07-28 alone. A file
that is changed is served as it is now.
"""

import sys
from pathlib import Path

from fastmcp import FastMCP
from fastmcp.server.providers.skills import SkillsDirectoryProvider
from fastmcp.skills.extension import SkillsExtension

provider = SkillsDirectoryProvider(Path(sys.argv[1]), experimental_skills=True)
server = FastMCP("skills", providers=[provider])
server.add_extension(SkillsExtension(providers=[provider]))
server.run("stdio", show_banner=False, log_level="warning")
