"""What this machine says when a file cannot be read or written."""

import errno

from bridge.contract import Said, Words

DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
"""A disk that is full, mounted for reading, broken, or somebody else's."""

_WORDS = {
    errno.ENOSPC: "磁盘空间不足",
    errno.EDQUOT: "超出磁盘配额",
    errno.EFBIG: "文件过大",
    errno.EROFS: "文件系统为只读",
    errno.EACCES: "没有权限",
    errno.EPERM: "操作不被允许",
    errno.EIO: "磁盘读写错误",
    errno.ENOENT: "文件或目录不存在",
    errno.EISDIR: "该路径是目录",
    errno.ENOTDIR: "路径中有一部分不是目录",
    errno.EBUSY: "文件正被占用",
}


def why_of(error: OSError) -> Said:
    """The system's own words, and the same in Chinese."""
    said = error.strerror or type(error).__name__
    zh = _WORDS.get(error.errno or 0)
    return Words(said, f"{zh}（{said}）") if zh else said
