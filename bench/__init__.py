"""The measurements: ours against s5cmd and rclone, same server, same data, in turn."""
