"""What an admin does in RT before its keys can be entered."""

from bridge.contract import Guide

GUIDE = Guide(
    name=("Request Tracker", "Request Tracker"),
    prepare=(
        (
            "In RT make a privileged user for the bridge (Admin › Users) and give it these rights on the "
            "queue (Admin › Queues › User Rights): SeeQueue, ShowTicket, ShowTicketComments, CreateTicket, "
            "ReplyToTicket, CommentOnTicket, ModifyTicket. Sign in as that user to make its token."
        ),
        (
            "请在 RT 中为本服务创建一个特权用户（Admin › Users），并在队列上授予以下权限（Admin › Queues › "
            "User Rights）：SeeQueue、ShowTicket、ShowTicketComments、CreateTicket、ReplyToTicket、CommentOnTic"
            "ket、ModifyTicket。以该用户登录后创建令牌。"
        ),
    ),
)
