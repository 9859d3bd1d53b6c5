"""Debian's nginx as an upstream, with a folder of its own."""

from pathlib import Path

from .ports import free_port
from .process import Process


class Nginx(Process):
    """`server`: directives for its one server block."""

    def __init__(self, folder, server, http=""):
        folder = Path(folder)
        (folder / "www").mkdir(parents=True, exist_ok=True)
        self.www = folder / "www"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "nginx.conf"
        config.write_text(f"""
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_max_body_size 0; default_type application/octet-stream;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi; {http}
  server {{ listen 127.0.0.1:{self.port} backlog=1024; root {self.www}; {server} }}
}}""")
        super().__init__("/usr/sbin/nginx", "-p", folder, "-c", config)
        self.wait_for_line("getrlimit")  # said once its sockets listen
