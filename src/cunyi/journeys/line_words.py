"""What a person is told of a line that gave no answer."""

from __future__ import annotations

from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import LineTrouble, NoAnswerError

_TROUBLES = {
    LineTrouble.UNREACHABLE: "现在连不上中心；有网络时会自动再试，记录都在本机",
    LineTrouble.SLOW: "线路太慢，没有传完；会自动接着传，记录都在本机",
    LineTrouble.CUT: "线路传到一半断了；会自动接着传，记录都在本机",
    LineTrouble.CERTIFICATE: "中心的证书没有通过核对，什么都没有传；请联系管理员核对证书",
    LineTrouble.NO_HUB_THERE: "那个地址回答的不是中心；这个 Wi-Fi 可能要先登录，或请管理员核对中心的地址",
    LineTrouble.TOO_LONG: "中心不收这么长的内容；请管理员核对中心前面的代理设置",
    LineTrouble.HUB_FAILED: "中心现在不能回答；会自动再试，记录都在本机",
    LineTrouble.STOPPED: "同步停下了；下次接着传",
}


def told_line(error: NoAnswerError) -> UserError:
    """Why no answer came, and what is to be done."""
    return UserError(_TROUBLES[error.trouble], field="hub")
