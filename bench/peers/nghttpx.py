"""nghttpx: one worker thread."""

from front import Unable


class Nghttpx:
    name = "nghttpx"

    def __init__(self, release):
        self.release = release
        self.version = release.version("nghttp2-proxy")

    def command(self, front):
        if front.refuses:
            raise Unable("serves its first certificate to every name")
        if len(front.certificates) > 1000:
            raise Unable("takes minutes and gigabytes for so many certificates")
        lines = [
            f"frontend=127.0.0.1,{front.port}{'' if front.tls else ';no-tls'}",
            f"backend=127.0.0.1,{front.upstream}{';;proto=h2' if front.upstream_http2 else ''}",
            "workers=1", "backlog=4096", "log-level=ERROR", "errorlog-file=/dev/stderr",
            "accesslog-file=/dev/null", f"pid-file={front.folder}/nghttpx.pid",
            "add-x-forwarded-for=yes", "strip-incoming-x-forwarded-for=yes",
            "frontend-keep-alive-timeout=600s", "frontend-http2-idle-timeout=600s",
            "backend-keep-alive-timeout=600s",
            "frontend-http2-max-concurrent-streams=128",
        ]
        if front.tls:
            _, chain, key = front.certificates[0]
            alpn = "h2,http/1.1" if front.http2 else "http/1.1"
            lines += [
                f"private-key-file={key}", f"certificate-file={chain}", f"alpn-list={alpn}",
                "tls-min-proto-version=TLSv1.3", "tls13-ciphers=TLS_AES_128_GCM_SHA256",
                "groups=X25519",
            ]
            lines += [f"subcert={key}:{chain}" for _, chain, key in front.certificates[1:]]
        file = front.folder / "nghttpx.conf"
        file.write_text("\n".join(lines) + "\n")
        return [*self.release.command("usr/sbin/nghttpx"), f"--conf={file}"], {}
